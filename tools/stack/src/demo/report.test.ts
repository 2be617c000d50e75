import { describe, expect, test } from "@jest/globals";
import type { BatchView, MessageView } from "./hub-client.ts";
import { findFaults, maskPhone, statusTable, submitRate, timelineTable } from "./report.ts";

const AT = Date.UTC(2026, 0, 1);

describe("statusTable", () => {
  test("shows counts and shares, with the error code where there is one", () => {
    const counts = [
      { status: "read", errorCode: 0, count: 6 },
      { status: "delivered", errorCode: 0, count: 1 },
      { status: "failed", errorCode: 63016, count: 1 },
      { status: "accepted", errorCode: 0, count: 0 },
    ];
    expect(statusTable(batch({ total: 8, counts }))).toBe(
      [
        "  status                 messages   share",
        "  read                          6   75.0 %",
        "  delivered                     1   12.5 %",
        "  failed (error 63016)          1   12.5 %",
        "  total                         8",
      ].join("\n"),
    );
  });
});

describe("submitRate", () => {
  test("is messages per second between the first answer and the last", () => {
    const messages = [0, 500, 250].map((ms) => message({ submittedAt: new Date(AT + ms) }));
    expect(submitRate(messages)).toBe(4);
  });

  test("is unknown with fewer than two answers", () => {
    expect(submitRate([message({}), message({ submittedAt: undefined })])).toBeUndefined();
  });
});

test("timelineTable counts time from the first step", () => {
  const steps = [
    { at: new Date(AT), status: "accepted", source: "hub" },
    { at: new Date(AT + 1_250), status: "read", source: "callback" },
  ];
  expect(timelineTable(steps)).toMatch(
    /\+0\.000 s   accepted   the hub itself\n\s+\+1\.250 s   read\s+Twilio's signed callback$/,
  );
});

describe("findFaults", () => {
  const settled = batch({ total: 1, settled: true, counts: [{ status: "read", errorCode: 0, count: 1 }] });
  const ledger = [{ sid: "SM1", to: "+12125550100" }];

  test("finds none where the hub and the ledger agree", () => {
    expect(findFaults(settled, [message({})], ledger)).toEqual([]);
  });

  test.each([
    [
      "a failed message",
      { ...settled, counts: [{ status: "failed", errorCode: 63016, count: 1 }] },
      ledger,
      /1 messages are failed/,
    ],
    ["a batch that is not settled", { ...settled, settled: false }, ledger, /not settled/],
    ["a message the simulator never got", settled, [], /was sent 0 messages, not 1/],
    ["a message under another SID", settled, [{ sid: "SM2", to: "+12125550100" }], /not in the simulator's ledger/],
    ["a recipient who got two", settled, [...ledger, { sid: "SM2", to: "+12125550100" }], /went to somebody twice/],
  ])("finds %s", (_, view, entries, fault) => {
    expect(findFaults(view, [message({})], entries).join("\n")).toMatch(fault);
  });
});

test("maskPhone hides most of a number", () => {
  expect(maskPhone("+12125550147")).toBe("+1212·····47");
});

function batch(changes: Partial<BatchView>): BatchView {
  return { state: "completed", settled: false, total: 0, counts: [], ...changes };
}

function message(changes: Partial<MessageView>): MessageView {
  return {
    id: "m",
    recipient: "+12125550100",
    status: "read",
    twilioSid: "SM1",
    submittedAt: new Date(AT),
    ...changes,
  };
}
