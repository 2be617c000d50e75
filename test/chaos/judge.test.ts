import { describe, expect, test } from "@jest/globals";
import { EventSource, MessageStatus } from "@wahub/proto";
import { judge, type Evidence, type LedgerRow, type MessageRow } from "./judge.ts";

const PHONES = ["+12125550100", "+12125550101", "+12125550102"];
const ORDER = { name: "parcels", batchId: "b", recipients: PHONES, atMostOnce: true };

function row(n: number, changes: Partial<MessageRow> = {}): MessageRow {
  return {
    id: `m${n}`,
    batchId: "b",
    recipient: PHONES[n]!,
    status: MessageStatus.DELIVERED,
    attempt: 1,
    sid: `SM${n}`,
    evidence: EventSource.RESPONSE,
    errorCode: 0,
    ...changes,
  };
}

function entry(n: number, changes: Partial<LedgerRow> = {}): LedgerRow {
  return {
    sid: `SM${n}`,
    to: PHONES[n]!,
    messageId: `m${n}`,
    attempt: 1,
    told: [MessageStatus.SENT, MessageStatus.DELIVERED],
    ...changes,
  };
}

/** What is found when one recipient of three is not like the others. */
function found(changed: Partial<MessageRow>, entries: readonly LedgerRow[], order = ORDER): readonly string[] {
  const evidence: Evidence = {
    orders: [order],
    rows: [row(0), row(1), row(2, changed)],
    ledger: [entry(0), entry(1), ...entries],
  };
  return judge(evidence).map(({ kind, messageId }) => `${kind} ${messageId}`);
}

describe("the judge", () => {
  test("finds nothing where everybody got one message and the hub knows it", () => {
    expect(found({}, [entry(2)])).toEqual([]);
  });

  test("finds a planted loss: taken for sent, and Twilio has nothing", () => {
    expect(found({}, [])).toEqual(["lost m2"]);
    expect(found({ status: MessageStatus.SUBMITTED }, [])).toEqual(["lost m2"]);
  });

  test("finds a planted double", () => {
    const twice = [entry(2), entry(2, { sid: "SM9", attempt: 2 })];
    expect(found({}, twice)).toEqual(["twice m2"]);
    expect(found({}, twice, { ...ORDER, atMostOnce: false })).toEqual([]);
  });

  test("finds a recipient without a row", () => {
    const [finding, ...others] = judge({
      orders: [ORDER],
      rows: [row(0), row(1)],
      ledger: [entry(0), entry(1)],
    });
    expect(finding).toMatchObject({ kind: "lost", recipient: PHONES[2], messageId: undefined });
    expect(others).toEqual([]);
  });

  test.each([MessageStatus.FAILED, MessageStatus.CANCELED, MessageStatus.EXPIRED])(
    "%i says that nothing was sent, and is denied by a ledger that has it",
    (status) => {
      expect(found({ status, sid: null }, [])).toEqual([]);
      expect(found({ status, sid: null }, [entry(2, { told: [] })])).toEqual(["denied m2"]);
    },
  );

  test("lets a message be assumed sent, whether or not Twilio has it", () => {
    const assumed = { status: MessageStatus.SUBMITTED, sid: null, evidence: EventSource.ASSUMED };
    expect(found(assumed, [])).toEqual([]);
    expect(found(assumed, [entry(2, { told: [] })])).toEqual([]);
  });

  test("wants a SID that Twilio has given to this message", () => {
    expect(found({ sid: "SM1" }, [entry(2)])).toEqual(["denied m2"]);
  });

  test.each([MessageStatus.ACCEPTED, MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNKNOWN])(
    "calls %i open, and lost where Twilio has nothing",
    (status) => {
      expect(found({ status, sid: null }, [])).toEqual(["open m2", "lost m2"]);
      expect(found({ status, sid: null }, [entry(2, { told: [] })])).toEqual(["open m2"]);
    },
  );

  test("finds a status that a webhook took and nobody remembers", () => {
    expect(found({ status: MessageStatus.SENT }, [entry(2)])).toEqual(["forgotten m2"]);
    expect(found({ status: MessageStatus.SENT }, [entry(2, { told: [MessageStatus.SENT] })])).toEqual([]);
    expect(found({ status: MessageStatus.READ }, [entry(2)])).toEqual([]);
  });

  test("finds messages that nobody ordered, in the database and at Twilio", () => {
    const evidence: Evidence = {
      orders: [{ ...ORDER, recipients: PHONES.slice(0, 2) }],
      rows: [row(0), row(1), row(2), row(2, { id: "x", batchId: "unknown", recipient: "+12125550199" })],
      ledger: [entry(0), entry(1), entry(2), entry(2, { sid: "SM8", messageId: "nobody's" })],
    };
    expect(judge(evidence).map(({ kind, messageId }) => `${kind} ${messageId}`)).toEqual([
      "stranger m2",
      "stranger x",
      "stranger nobody's",
    ]);
  });
});
