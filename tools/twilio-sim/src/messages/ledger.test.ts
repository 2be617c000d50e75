import { describe, expect, test } from "@jest/globals";
import { createLedger } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
import type { Draft, MessageRecord } from "./record.ts";

const OPENED_AT = Date.UTC(2026, 0, 31);

function draft(changes: Partial<Draft> = {}): Draft {
  return {
    to: "whatsapp:+12125550101",
    from: "whatsapp:+18005550199",
    body: "hello",
    numMedia: 0,
    fromTemplate: false,
    statusCallback: null,
    ...changes,
  };
}

function filled(...recipients: readonly string[]): { ledger: Ledger; records: readonly MessageRecord[] } {
  const ledger = createLedger(OPENED_AT);
  return { ledger, records: recipients.map((to, i) => ledger.accept(draft({ to }), OPENED_AT + i)) };
}

describe("the ledger", () => {
  test("finds a message by its sid, and only by that", () => {
    const { ledger, records } = filled("a", "b");
    const sid = ledger.sidOf(records[1]!);
    expect(sid).toMatch(/^SM[0-9a-f]{32}$/);
    expect(ledger.bySid(sid)).toBe(records[1]);
    expect(ledger.bySid(sid.replace("SM", "MM"))).toBeUndefined();
    expect(createLedger(OPENED_AT).bySid(sid)).toBeUndefined();
  });

  test("calls a message with media MM", () => {
    const ledger = createLedger(OPENED_AT);
    expect(ledger.sidOf(ledger.accept(draft({ numMedia: 1 }), OPENED_AT))).toMatch(/^MM/);
  });

  test("walks newest first, over all or over one recipient, from anywhere", () => {
    const { ledger } = filled("a", "b", "a", "b", "a");
    const indices = (filter: { to?: string }, before?: number): number[] =>
      [...ledger.newestFirst(filter, before)].map(({ index }) => index);
    expect(indices({})).toEqual([4, 3, 2, 1, 0]);
    expect(indices({}, 2)).toEqual([1, 0]);
    expect(indices({ to: "a" })).toEqual([4, 2, 0]);
    expect(indices({ to: "a" }, 4)).toEqual([2, 0]);
    expect(indices({ to: "nobody" })).toEqual([]);
  });

  test("keeps the time of every status and the counts by status", () => {
    const { ledger, records } = filled("a", "b");
    const [record] = records;
    ledger.advance(record!, "sent", OPENED_AT + 10.7, null);
    ledger.advance(record!, "undelivered", OPENED_AT + 20, 63024);
    expect(record).toMatchObject({ status: "undelivered", sentAt: 10, failedAt: 20, updatedAt: 20, errorCode: 63024 });
    expect(ledger.instant(record!.failedAt!)).toBe(OPENED_AT + 20);
    expect(ledger.countsByStatus).toEqual({ queued: 1, sent: 0, undelivered: 1, failed: 0, delivered: 0, read: 0 });
  });

  test("keeps times right beyond the 24 days of a small integer", () => {
    const { ledger, records } = filled("a");
    const later = OPENED_AT + 40 * 86_400_000;
    ledger.advance(records[0]!, "sent", later, null);
    expect(ledger.instant(records[0]!.sentAt!)).toBe(later);
  });
});
