import { create } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { BulkSendRequestSchema, ListMessagesRequestSchema, type MessageStatus } from "@wahub/proto";
import { validate } from "./validation.ts";

const batchId = "01890f3e-7b5c-7cc0-98c4-dc0c0c07398f";

function violationsOf(check: () => void): unknown {
  try {
    check();
  } catch (error) {
    if (error instanceof HubError) return { kind: error.kind, violations: error.violations };
    throw error;
  }
  return undefined;
}

test("a message that keeps the rules passes", () => {
  const request = create(BulkSendRequestSchema, {
    content: { kind: { case: "text", value: { body: "hello" } } },
    recipients: [{ phone: "+14155550123" }],
  });
  expect(violationsOf(() => validate(BulkSendRequestSchema, request))).toBeUndefined();
});

test("every violation is listed under the field's name in the proto, with its place in a list", () => {
  const request = create(ListMessagesRequestSchema, {
    batchId: "no",
    pageSize: 5_000,
    statuses: [1, 99 as MessageStatus],
  });
  expect(violationsOf(() => validate(ListMessagesRequestSchema, request))).toEqual({
    kind: "invalid",
    violations: [
      { field: "batch_id", reason: expect.stringContaining("UUID") },
      { field: "statuses[1]", index: 1, reason: expect.any(String) },
      { field: "page_size", reason: expect.stringContaining("1000") },
    ],
  });
  const empty = create(ListMessagesRequestSchema, { batchId });
  expect(violationsOf(() => validate(ListMessagesRequestSchema, empty))).toBeUndefined();
});

test("the reasons do not repeat what was sent", () => {
  const request = create(ListMessagesRequestSchema, { batchId: "+14155550123" });
  expect(JSON.stringify(violationsOf(() => validate(ListMessagesRequestSchema, request)))).not.toContain("4155550123");
});
