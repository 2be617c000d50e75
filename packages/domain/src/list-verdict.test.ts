import { describe, expect, test } from "@jest/globals";
import { listVerdicts, type ListVerdict, type OpenAttempt, type UnboundMessage } from "./list-verdict.ts";

const skewMs = 2_000;

/** An attempt from second `since` on, for a minute if nothing else is said. */
function attempt(id: string, since = 0, more: Partial<OpenAttempt> = {}): OpenAttempt {
  return { id, since: since * 1000, until: (since + 60) * 1000, text: "hello", pending: false, ...more };
}

function message(sid: string, at: number, text = "hello"): UnboundMessage {
  return { sid, at: at * 1000, text };
}

const verdicts = (attempts: readonly OpenAttempt[], messages: readonly UnboundMessage[], aliased = false) =>
  Object.fromEntries(listVerdicts(attempts, messages, { skewMs, aliased }));
const found = (sid: string, ...among: string[]): ListVerdict => ({ kind: "found", sid, among });
const ambiguous = (...among: string[]): ListVerdict => ({ kind: "ambiguous", among });
const absent: ListVerdict = { kind: "absent" };
const pending: ListVerdict = { kind: "pending" };

describe("the verdict of the list", () => {
  const cases: [string, readonly OpenAttempt[], readonly UnboundMessage[], Record<string, ListVerdict>][] = [
    ["nothing in the list", [attempt("a")], [], { a: absent }],
    ["one and one", [attempt("a")], [message("m", 5)], { a: found("m", "a") }],
    ["one and two", [attempt("a")], [message("m", 5), message("n", 6)], { a: ambiguous("a") }],
    [
      "two and two: the earlier is the earlier's",
      [attempt("b", 10), attempt("a", 0)],
      [message("n", 12), message("m", 11)],
      { a: found("m", "b", "a"), b: found("n", "b", "a") },
    ],
    [
      "two and one",
      [attempt("a"), attempt("b", 10)],
      [message("m", 30)],
      { a: ambiguous("a", "b"), b: ambiguous("a", "b") },
    ],
    ["before its time", [attempt("a", 100)], [message("m", 97)], { a: absent }],
    ["after its time", [attempt("a")], [message("m", 63)], { a: absent }],
    ["as far off as clocks may be", [attempt("a", 100)], [message("m", 98)], { a: found("m", "a") }],
    ["another text", [attempt("a")], [message("m", 5, "goodbye")], { a: absent }],
    ["a text that was redacted", [attempt("a")], [message("m", 5, "")], { a: found("m", "a") }],
    [
      "one that is far from the others is judged by itself",
      [attempt("a"), attempt("b", 5), attempt("c", 1000)],
      [message("m", 30)],
      { a: ambiguous("a", "b"), b: ambiguous("a", "b"), c: absent },
    ],
    [
      "a chain of windows is one group",
      [attempt("a"), attempt("b", 50), attempt("c", 100)],
      [message("m", 55), message("n", 105)],
      { a: ambiguous("a", "b", "c"), b: ambiguous("a", "b", "c"), c: ambiguous("a", "b", "c") },
    ],
    [
      "a short window within a long one gets what is in it",
      [attempt("a", 0, { until: 200_000 }), attempt("b", 20, { until: 30_000 })],
      [message("m", 25), message("n", 150)],
      { a: found("n", "a", "b"), b: found("m", "a", "b") },
    ],
    [
      "as many, but not one for each",
      [attempt("a"), attempt("b", 50), attempt("c", 50)],
      [message("m", 5), message("n", 6), message("o", 55)],
      { a: ambiguous("a", "b", "c"), b: ambiguous("a", "b", "c"), c: ambiguous("a", "b", "c") },
    ],
    ["while one is on its way", [attempt("a"), attempt("b", 30, { pending: true })], [], { a: pending, b: pending }],
    [
      "while one is on its way elsewhere in time",
      [attempt("a"), attempt("b", 300, { pending: true })],
      [message("m", 5)],
      { a: found("m", "a"), b: pending },
    ],
  ];
  test.each(cases)("%s", (_name, attempts, messages, expected) => {
    expect(verdicts(attempts, messages)).toEqual(expected);
  });

  test("is never absent where the number is written in two ways", () => {
    expect(verdicts([attempt("a")], [], true)).toEqual({ a: ambiguous("a") });
    expect(verdicts([attempt("a")], [message("m", 5)], true)).toEqual({ a: found("m", "a") });
  });
});

describe("whatever happened", () => {
  /** Seeded, so that what fails fails again. */
  function random(seed: number): () => number {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  /** Some attempts of which some were taken, within their time, and messages of others in the same account. */
  function story(seed: number, foreign: boolean) {
    const next = random(seed);
    const upTo = (n: number): number => Math.floor(next() * n);
    const texts = ["hello", "goodbye", ""];
    const attempts: OpenAttempt[] = [];
    const messages: UnboundMessage[] = [];
    const taken = new Set<string>();
    for (let n = upTo(6); n >= 0; n--) {
      const since = upTo(300_000);
      const until = since + 1 + upTo(90_000);
      const text = texts[upTo(3)]!;
      const id = `a${n}`;
      attempts.push({ id, since, until, text, pending: upTo(10) === 0 });
      if (upTo(2) === 0) continue;
      taken.add(id);
      const at = Math.floor(since + next() * (until - since) + (next() * 2 - 1) * skewMs);
      messages.push({ sid: `m${n}`, at, text: upTo(5) === 0 ? "" : text });
    }
    for (let n = foreign ? upTo(3) : 0; n > 0; n--) {
      messages.push({ sid: `f${n}`, at: upTo(400_000), text: texts[upTo(3)]! });
    }
    const sides = upTo(2) === 0 ? messages : messages.toReversed();
    return { attempts, messages: sides, taken };
  }

  const seeds = Array.from({ length: 2_000 }, (_, seed) => seed);

  test.each([
    ["", false],
    [" although others send, too", true],
  ])("absent was not taken%s", (_words, foreign) => {
    let absences = 0;
    const wrong: [number, string][] = [];
    for (const seed of seeds) {
      const { attempts, messages, taken } = story(seed, foreign);
      for (const [id, { kind }] of listVerdicts(attempts, messages, { skewMs, aliased: false })) {
        if (kind !== "absent") continue;
        absences++;
        if (taken.has(id)) wrong.push([seed, id]);
      }
    }
    expect(wrong).toEqual([]);
    expect(absences).toBeGreaterThan(1_000);
  });

  test("found was taken, and no message belongs to two", () => {
    let finds = 0;
    const wrong: [number, string][] = [];
    for (const seed of seeds) {
      const { attempts, messages, taken } = story(seed, false);
      const sids: string[] = [];
      for (const [id, verdict] of listVerdicts(attempts, messages, { skewMs, aliased: false })) {
        if (verdict.kind !== "found") continue;
        finds++;
        sids.push(verdict.sid);
        if (!taken.has(id) || sids.indexOf(verdict.sid) !== sids.length - 1) wrong.push([seed, id]);
      }
    }
    expect(wrong).toEqual([]);
    expect(finds).toBeGreaterThan(1_000);
  });

  test("the order of what is given changes nothing but the order", () => {
    const kinds = (given: ReadonlyMap<string, ListVerdict>) =>
      Object.fromEntries([...given].map(([id, v]) => [id, [v.kind, v.kind === "found" ? v.sid : ""]]));
    for (const seed of seeds.slice(0, 200)) {
      const { attempts, messages } = story(seed, true);
      const options = { skewMs, aliased: false };
      expect(kinds(listVerdicts(attempts.toReversed(), messages.toReversed(), options))).toEqual(
        kinds(listVerdicts(attempts, messages, options)),
      );
    }
  });
});
