import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { applyCallbacks } from "./apply-callbacks.ts";
import { deleteExpiredCallbacks } from "./delete-expired-callbacks.ts";
import { createTestDatabase, sampleSender, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-02T12:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ now });
});
afterAll(() => db.drop());

/** Parks one callback that may be deleted at `until`. */
async function park(messageSid: string, until: Date): Promise<void> {
  const stray = {
    accountSid: sampleSender.accountSid,
    messageSid,
    messageId: undefined,
    attempt: undefined,
    status: MessageStatus.SENT,
    errorCode: 0,
    errorMessage: "",
    receivedAt: now,
    detail: {},
  };
  expect(await applyCallbacks(db.store.pool, [stray], until)).toEqual(["parked"]);
}

describe("parked callbacks", () => {
  test("are deleted when they expire, a limited number at a time, and not before", async () => {
    await park("SM1", later(1_000));
    await park("SM2", later(2_000));
    await park("SM3", later(3_000));
    expect(await deleteExpiredCallbacks(db.store.pool, later(999), 10)).toBe(0);
    expect(await deleteExpiredCallbacks(db.store.pool, later(2_000), 1)).toBe(1);
    expect(await deleteExpiredCallbacks(db.store.pool, later(2_000), 10)).toBe(1);
    const { rows } = await db.store.pool.query("select twilio_sid from orphan_callback");
    expect(rows).toEqual([{ twilio_sid: "SM3" }]);
  });
});
