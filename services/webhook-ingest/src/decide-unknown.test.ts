import { describe, expect, test } from "@jest/globals";
import { comparableText } from "@wahub/domain";
import { MessageStatus, UnknownPolicy } from "@wahub/proto";
import type { StoredOpenAttempt, Verdict } from "@wahub/store";
import type { ListedMessage } from "@wahub/twilio";
import {
  decideByList,
  decideUnasked,
  decideWithoutList,
  type DecisionGroup,
  type Known,
  type Listed,
} from "./decide-unknown.ts";

const { ASSUME_SENT, RESEND, HOLD } = UnknownPolicy;
const now = new Date("2026-03-02T12:00:00Z");
const times = { afterMs: 30_000, settleMs: 20_000, deadlineMs: 600_000 };
const minuteMs = 60_000;

/** An attempt whose lease ended so long ago. */
function attempt(messageId: string, change: Partial<StoredOpenAttempt> = {}): StoredOpenAttempt {
  const sinceLeaseMs = change.sinceLeaseMs ?? minuteMs;
  const leaseUntil = new Date(now.getTime() - sinceLeaseMs);
  return {
    kind: "unknown",
    messageId,
    attempt: 1,
    absences: 0,
    unlistedSince: undefined,
    claimedAt: new Date(leaseUntil.getTime() - minuteMs),
    leaseUntil,
    sinceLeaseMs,
    recipient: "+14155550100",
    content: { text: { body: "Hello" } },
    unknownPolicy: ASSUME_SENT,
    validityS: undefined,
    ...change,
  };
}

/** Taken at the end of the attempts' leases. */
function message(sid: string, change: Partial<ListedMessage> = {}): ListedMessage {
  const createdAt = now.getTime() - minuteMs;
  return { sid, status: MessageStatus.SENT, errorCode: 0, createdAt, text: comparableText("Hello"), ...change };
}

const known = (attempts: readonly StoredOpenAttempt[], taken = attempts.map((one) => one.messageId)): Known => ({
  attempts,
  taken: new Map(taken.map((id) => [id, now])),
  now,
  times,
});

function byList(of: Known, messages: readonly ListedMessage[], change: Partial<Listed> = {}): DecisionGroup[] {
  return decideByList(of, { messages, aliased: false, mayDecideAbsence: true, ...change });
}

/** Message, its verdict. */
const said = (groups: readonly DecisionGroup[]): [string, Verdict][] =>
  groups.flatMap(({ decisions }) => decisions.map(({ messageId, verdict }): [string, Verdict] => [messageId, verdict]));
const stay = (waitMs: number | null, absences = 0, unlistedSince?: Date): Verdict => ({
  kind: "stay",
  reconcileAt: waitMs === null ? null : new Date(now.getTime() + waitMs),
  absences,
  unlistedSince,
});
const leave = (exit: "absent" | "again" | "assume"): Verdict => ({ kind: "leave", exit });
const keep: Verdict = { kind: "keep" };

describe("with the list", () => {
  test("what is found is bound, with its status and error", () => {
    const groups = byList(known([attempt("a")]), [message("m", { status: MessageStatus.FAILED, errorCode: 63016 })]);
    expect(groups).toMatchObject([{ verdict: "found", policies: [] }]);
    expect(said(groups)).toEqual([
      [
        "a",
        { kind: "found", sid: "m", status: MessageStatus.FAILED, errorCode: 63016, errorMessage: expect.any(String) },
      ],
    ]);
  });

  test("what is absent is looked for a second time before it goes out again", () => {
    expect(byList(known([attempt("a")]), [])).toMatchObject([{ verdict: "absent_once" }]);
    expect(said(byList(known([attempt("a")]), []))).toEqual([["a", stay(20_000, 1)]]);
    const second = byList(known([attempt("a", { absences: 1 })]), []);
    expect(second).toMatchObject([{ verdict: "absent", policies: [] }]);
    expect(said(second)).toEqual([["a", leave("absent")]]);
  });

  test("nothing is absent while outcomes of ours wait to be recorded, however long that takes", () => {
    const groups = byList(known([attempt("a", { absences: 1 })]), [], { mayDecideAbsence: false });
    expect(groups).toMatchObject([{ verdict: "pending" }]);
    expect(said(groups)).toEqual([["a", stay(20_000, 1)]]);
    const unlistedSince = new Date(now.getTime() - times.deadlineMs);
    const old = attempt("a", { absences: 1, sinceLeaseMs: 100 * times.deadlineMs, unlistedSince });
    expect(said(byList(known([old]), [], { mayDecideAbsence: false }))).toEqual([["a", stay(20_000, 1)]]);
  });

  test("one whose turn it is not is not counted as absent", () => {
    expect(byList(known([attempt("a"), attempt("b")], ["a"]), [])).toMatchObject([{ decisions: [{ messageId: "a" }] }]);
  });

  test("two and two are found together", () => {
    const groups = byList(known([attempt("a"), attempt("b")], ["a"]), [message("m"), message("n")]);
    expect(groups).toHaveLength(1);
    expect(said(groups).map(([id, { kind }]) => [id, kind])).toEqual([
      ["a", "found"],
      ["b", "found"],
    ]);
  });

  test("two and one fall to their batches' policies, together", () => {
    const groups = byList(known([attempt("a"), attempt("b", { unknownPolicy: HOLD })]), [message("m")]);
    expect(groups).toMatchObject([{ verdict: "ambiguous", policies: ["assume_sent", "hold"] }]);
    expect(said(groups)).toEqual([
      ["a", leave("assume")],
      ["b", stay(null)],
    ]);
  });

  test("a policy waits for a second look: the list may be late", () => {
    const young = { sinceLeaseMs: times.afterMs + times.settleMs - 1 };
    const groups = byList(known([attempt("a", young), attempt("b", young)], ["a"]), [
      message("m", { createdAt: now.getTime() - times.afterMs - times.settleMs }),
    ]);
    expect(said(groups)).toEqual([
      ["a", stay(20_000)],
      ["b", keep],
    ]);
  });

  test("what was only assumed counts with the others, and is left as it is", () => {
    const attempts = [attempt("a"), attempt("b", { kind: "assumed" }), attempt("c", { kind: "given_up" })];
    expect(said(byList(known(attempts, ["a"]), [message("m")]))).toEqual([["a", leave("assume")]]);
    const all = said(byList(known(attempts, ["a"]), [message("m"), message("n"), message("o")]));
    expect(all.map(([id, { kind }]) => [id, kind])).toEqual([["a", "found"]]);
  });

  test("what is held can still be found, and is not decided otherwise", () => {
    const attempts = [attempt("a"), attempt("b", { kind: "held", unknownPolicy: HOLD })];
    expect(said(byList(known(attempts, ["a"]), [message("m")]))).toEqual([
      ["a", leave("assume")],
      ["b", keep],
    ]);
    expect(said(byList(known(attempts, ["a"]), [message("m"), message("n")])).map(([, { kind }]) => kind)).toEqual([
      "found",
      "found",
    ]);
  });

  test("with one on its way to the same person, or over for too short, nothing is decided", () => {
    for (const other of [
      attempt("b", { kind: "sending", sinceLeaseMs: -minuteMs }),
      attempt("b", { sinceLeaseMs: times.afterMs - 1 }),
    ]) {
      const groups = byList(known([attempt("a"), other], ["a"]), []);
      expect(groups).toMatchObject([{ verdict: "pending" }]);
      expect(said(groups)).toEqual([["a", stay(20_000)]]);
    }
  });

  test("a number that is written in two ways is never absent", () => {
    const groups = byList(known([attempt("a", { absences: 1 })]), [], { aliased: true });
    expect(groups).toMatchObject([{ verdict: "ambiguous", policies: ["assume_sent"] }]);
    expect(said(groups)).toEqual([["a", leave("assume")]]);
  });

  test("what is to be sent again waits until Twilio has given the first up", () => {
    const resend = { unknownPolicy: RESEND, validityS: 900 };
    const early = byList(known([attempt("a", { ...resend, sinceLeaseMs: 2 * minuteMs })]), [], { aliased: true });
    expect(early).toMatchObject([{ policies: [] }]);
    expect(said(early)).toEqual([["a", stay(13 * minuteMs)]]);
    const late = byList(known([attempt("a", { ...resend, sinceLeaseMs: 15 * minuteMs })]), [], { aliased: true });
    expect(late).toMatchObject([{ policies: ["resend"] }]);
    expect(said(late)).toEqual([["a", leave("again")]]);
  });
});

describe("without the list", () => {
  const without = (attempts: readonly StoredOpenAttempt[], taken?: string[]) =>
    decideWithoutList(known(attempts, taken), 7_000);

  const since = (ms: number): Date => new Date(now.getTime() - ms);

  test("it is asked for again until the deadline, which counts from the first look that failed", () => {
    const groups = without([attempt("a"), attempt("b"), attempt("c", { kind: "sending" })], ["a", "c"]);
    expect(groups).toMatchObject([{ verdict: "unavailable", policies: [] }]);
    expect(said(groups)).toEqual([["a", stay(7_000, 0, now)]]);
    const old = { sinceLeaseMs: 100 * times.deadlineMs };
    expect(said(without([attempt("a", old)]))).toEqual([["a", stay(7_000, 0, now)]]);
    const unlistedSince = since(times.deadlineMs - 1);
    expect(said(without([attempt("a", { ...old, unlistedSince })]))).toEqual([["a", stay(7_000, 0, unlistedSince)]]);
  });

  test.each([
    ["assume_sent", ASSUME_SENT, leave("assume")],
    ["hold", HOLD, stay(null, 1, since(times.deadlineMs))],
    ["resend", RESEND, leave("again")],
  ])("then the policy %s decides", (policy, unknownPolicy, verdict) => {
    const overdue = { unlistedSince: since(times.deadlineMs), absences: 1, unknownPolicy, validityS: 60 };
    const groups = without([attempt("a", overdue)]);
    expect(groups).toMatchObject([{ policies: [policy] }]);
    expect(said(groups)).toEqual([["a", verdict]]);
  });

  test("not to ask decides nothing, and the deadline is what it was", () => {
    const unlistedSince = since(2 * times.deadlineMs);
    const attempts = [
      attempt("a", { unlistedSince, absences: 1 }),
      attempt("b", { sinceLeaseMs: 2 * times.deadlineMs }),
    ];
    const groups = decideUnasked(known(attempts), 7_000);
    expect(groups).toMatchObject([{ policies: [] }, { policies: [] }]);
    expect(said(groups)).toEqual([
      ["a", stay(7_000, 1, unlistedSince)],
      ["b", stay(7_000)],
    ]);
  });
});
