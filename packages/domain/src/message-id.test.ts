import { describe, expect, test } from "@jest/globals";
import { batchCreatedAt, isUuid, messageId, messageIdRange, newBatchId } from "./message-id.ts";

const createdAt = new Date("2026-03-01T12:00:00.123Z");
const key = Buffer.alloc(32, 7);
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
    const id = messageId(key, batchId, "+14155550123");
    expect(isUuid(id)).toBe(true);
    expect(id[14]).toBe("8");
    expect(batchCreatedAt(id)).toEqual(createdAt);
  });

  test("is the same for the same recipient in the same batch, and differs otherwise", () => {
    const other = newBatchId(createdAt, () => new Uint8Array(10).fill(0xcd));
    expect(messageId(key, batchId, "+14155550123")).toBe(messageId(key, batchId, "+14155550123"));
    expect(messageId(key, batchId, "+14155550123")).not.toBe(messageId(key, batchId, "+14155550124"));
    expect(messageId(key, batchId, "+14155550123")).not.toBe(messageId(key, other, "+14155550123"));
  });

  test("cannot be computed without the tenant's key", () => {
    expect(messageId(Buffer.alloc(32, 8), batchId, "+14155550123")).not.toBe(messageId(key, batchId, "+14155550123"));
  });

  test("stays what it is in every release: stored rows depend on it", () => {
    expect(messageId(key, "019ca977-3a7b-7bab-abab-abababababab", "+14155550123")).toBe(
      "019ca977-3a7b-8a99-b924-6f166547aa3f",
    );
  });

  test("lies in the range of its batch", () => {
    const { first, last } = messageIdRange(batchId);
    for (let i = 0; i < 1000; i++) {
      const id = messageId(key, batchId, `+1415555${i}`);
      expect(id >= first && id <= last).toBe(true);
    }
  });
});
