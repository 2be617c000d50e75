import { expect, test } from "@jest/globals";
import { EventSource, MessageStatus } from "@wahub/proto";
import type { PoolClient } from "pg";
import { applyListed, type StatusCallback } from "./apply-callbacks.ts";

const listed: StatusCallback = {
  source: EventSource.LIST,
  accountSid: "AC1",
  messageSid: "SM1",
  messageId: "0198c5a0-0000-7000-8000-000000000001",
  attempt: 1,
  status: MessageStatus.DELIVERED,
  errorCode: 0,
  errorMessage: "",
  receivedAt: new Date("2026-03-01T12:00:00Z"),
  detail: {},
};

test("a deadlock in somebody's transaction is theirs to repeat: in one that was taken back nothing can be done", async () => {
  const errors = ["40P01", "25P02"];
  const client = {
    query: async () => {
      throw Object.assign(new Error("taken back"), { code: errors.shift() });
    },
  } as unknown as PoolClient;
  await expect(applyListed(client, [listed])).rejects.toMatchObject({ code: "40P01" });
  expect(errors).toEqual(["25P02"]);
});
