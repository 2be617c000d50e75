import { describe, expect, test } from "@jest/globals";
import { batchCreatedAt, isUuid, messageId, messageIdRange, newBatchId } from "./message-id.ts";

const createdAt = new Date("2026-03-01T12:00:00.123Z");
const batchId = newBatchId(createdAt, () => new Uint8Array(10).fill(0xab));

describe("a batch id", () => {
  test("is a UUIDv7 that carries its creation time", () => {
    expect(isUuid(batchId)).toBe(true);
    expect(batchId[14]).toBe("7");
    expect(batchCreatedAt(batchId)).toEqual(createdAt);
  });
});

describe("a message id", () => {
  test("is a UUIDv8 with the batch's creation time", () => {
    const id = messageId(batchId, "+14155550123");
    expect(isUuid(id)).toBe(true);
    expect(id[14]).toBe("8");
    expect(batchCreatedAt(id)).toEqual(createdAt);
  });

  test("is the same for the same recipient in the same batch, and differs otherwise", () => {
    const other = newBatchId(createdAt, () => new Uint8Array(10).fill(0xcd));
    expect(messageId(batchId, "+14155550123")).toBe(messageId(batchId, "+14155550123"));
    expect(messageId(batchId, "+14155550123")).not.toBe(messageId(batchId, "+14155550124"));
    expect(messageId(batchId, "+14155550123")).not.toBe(messageId(other, "+14155550123"));
  });

  test("stays what it is in every release: stored rows depend on it", () => {
    expect(messageId("019ca977-3a7b-7bab-abab-abababababab", "+14155550123")).toBe(
      "019ca977-3a7b-8386-9131-f7df86ef9f07",
    );
  });

  test("lies in the range of its batch", () => {
    const { first, last } = messageIdRange(batchId);
    for (let i = 0; i < 1000; i++) {
      const id = messageId(batchId, `+1415555${i}`);
      expect(id >= first && id <= last).toBe(true);
    }
  });
});
