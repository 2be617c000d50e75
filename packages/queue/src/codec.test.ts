import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { SendMessageJobSchema } from "@wahub/proto/jobs";
import { sendMessageJob } from "./catalog.ts";
import { MalformedJobError, decodeJob, encodeJob } from "./codec.ts";

const job = create(SendMessageJobSchema, {
  tenantId: "0195a1b2-c3d4-7e5f-8a7b-000000000001",
  messageId: "0195a1b2-c3d4-8e5f-8a7b-0123456789ab",
  attempt: 1,
  senderId: "0195a1b2-c3d4-7e5f-8a7b-000000000002",
  messagesPerSecond: 80,
  recipientHash: Uint8Array.from({ length: 16 }, (_, n) => n),
});

/** A payload as a release wrote it. These files are never changed: a job may wait through a rollout. */
function golden(name: string): Record<string, unknown> {
  const text = readFileSync(new URL(`./golden/${name}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as Record<string, unknown>;
}

describe("a job", () => {
  test("is read back as it was written", () => {
    const payload: unknown = JSON.parse(JSON.stringify(encodeJob(sendMessageJob, job)));
    expect(decodeJob(sendMessageJob, payload)).toEqual(job);
  });

  test("of release 0.1.0 is still understood", () => {
    expect(decodeJob(sendMessageJob, golden("send-message.0.1.0"))).toEqual(job);
  });

  test("is written as release 0.1.0 understands it", () => {
    expect(encodeJob(sendMessageJob, job)).toMatchObject(golden("send-message.0.1.0"));
  });

  test("of a later release is understood without its new fields", () => {
    const payload = { ...golden("send-message.0.1.0"), lane: "urgent", extra: { deep: [1] } };
    expect(decodeJob(sendMessageJob, payload)).toEqual(job);
  });

  test("has an id that names message and attempt, in letters BullMQ takes", () => {
    expect(sendMessageJob.id(job)).toBe("0195a1b2-c3d4-8e5f-8a7b-0123456789ab-1");
  });
});

test.each([
  ["nothing", undefined, "does not decode"],
  ["a text", "hello", "does not decode"],
  ["no fields", {}, "message_id"],
  ["a field of another type", { messageId: 42 }, "does not decode"],
  ["no attempt", { messageId: job.messageId }, "attempt"],
  ["no speed", { messageId: job.messageId, attempt: 1 }, "messages_per_second"],
])("a payload with %s is malformed", (_label, payload, fault) => {
  const decode = (): unknown => decodeJob(sendMessageJob, payload);
  expect(decode).toThrow(MalformedJobError);
  expect(decode).toThrow(fault);
});
