import { describe, expect, test } from "@jest/globals";
import { createKnobBoard } from "../knobs/knob-board.ts";
import { DEFAULT_KNOBS } from "../knobs/knobs.ts";
import { unpackOutcome } from "../messages/callback-outcome.ts";
import { createRuns } from "../run.ts";
import { createScheduler } from "../scheduler.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { createCallbackDelivery } from "./delivery.ts";
import { parseTarget } from "./target.ts";
import type { CallbackResult } from "../messages/callback-outcome.ts";
import type { CallbackJob } from "./job.ts";
import type { Poster } from "./poster.ts";

interface Post {
  readonly token: string | undefined;
  readonly readTimeoutMs: number;
}

/** A delivery whose receiver answers with `results`, one after the other, each after `answerMs`. */
function scene(results: readonly CallbackResult[], answerMs = 0) {
  const clock = createManualClock();
  const scheduler = createScheduler(clock);
  const knobs = createKnobBoard(DEFAULT_KNOBS);
  const runs = createRuns(clock);
  const posts: Post[] = [];
  const poster: Poster = {
    post: async (_target, _body, headers, readTimeoutMs) => {
      posts.push({ token: headers["i-twilio-idempotency-token"], readTimeoutMs });
      clock.advance(answerMs);
      return results[posts.length - 1]!;
    },
    close: async () => {},
  };
  const ended = () => {};
  const delivery = createCallbackDelivery({
    accountSid: "AC1",
    authToken: "t",
    clock,
    scheduler,
    knobs,
    poster,
    ended,
  });
  const run = runs.current;
  const job = (fragment: string, next?: CallbackJob): CallbackJob => {
    const draft = { to: "whatsapp:+12125550101", from: "", body: "", numMedia: 0, fromTemplate: false };
    const record = run.ledger.accept({ ...draft, statusCallback: "" }, clock.now());
    const target = parseTarget(`http://127.0.0.1:1/${fragment}`);
    return { run, record, status: "sent", target, token: "the token", attempts: 0, giveUpAt: undefined, next };
  };
  /** Lets finished posts be noticed and due retries begin, until nothing happens any more. */
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 8; round += 1) {
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
      clock.advance(DEFAULT_KNOBS.callbackRetryDelayMs);
    }
  };
  return { delivery, job, posts, runs, run, settle };
}

describe("the delivery of a callback", () => {
  test.each<[string, CallbackResult[], number]>([
    ["", [204], 1],
    ["", ["connect_failed", 204], 2],
    ["", ["connect_failed", "connect_failed"], 2],
    ["", [500], 1],
    ["", ["timed_out"], 1],
    ["#rc=0", ["connect_failed"], 1],
    ["#rc=3&rp=5xx", [500, 502, 503, 204], 4],
    ["#rc=2&rp=5xx", [500, 500, 500], 3],
    ["#rc=5&rp=4xx", [404, 200], 2],
    ["#rc=5&rp=4xx", [500], 1],
    ["#rc=1&rp=rt", ["timed_out", 200], 2],
    ["#rc=1&rp=all", ["connection_lost", 200], 2],
  ])("with %j and a receiver that says %j is posted %i times", async (fragment, results, times) => {
    const { delivery, job, posts, run, settle } = scene(results);
    const one = job(fragment);
    delivery.begin(one);
    await settle();
    expect(posts).toHaveLength(times);
    expect(new Set(posts.map(({ token }) => token))).toEqual(new Set(["the token"]));
    const result = results.at(-1)!;
    expect(one.record.callbacks!.map(unpackOutcome)).toEqual([{ status: "sent", result, attempts: times }]);
    const ok = typeof result === "number" && result < 300 ? 1 : 0;
    expect(run.stats.callbacks).toMatchObject({ pending: 0, posted: times, retried: times - 1, ok, failed: 1 - ok });
  });

  test("gives up when all attempts together have taken too long", async () => {
    const { delivery, job, posts, settle } = scene([500, 500, 500, 500], 300);
    delivery.begin(job("#rc=5&rp=5xx&rt=2000&tt=1000"));
    await settle();
    // 300 ms + pause, 300 ms + pause, 300 ms: the fourth would begin too late.
    expect(posts.map(({ readTimeoutMs }) => readTimeoutMs)).toEqual([1_000, 600, 200]);
  });

  test("posts a chained callback when the one before it has ended", async () => {
    const { delivery, job, posts, run, settle } = scene([500, 200, 200]);
    const second = job("");
    delivery.begin(job("#rp=5xx", second));
    expect(run.stats.callbacks.pending).toBe(2);
    await Promise.resolve();
    expect(posts).toHaveLength(1);
    await settle();
    expect(posts).toHaveLength(3);
    expect(second.record.callbacks).toHaveLength(1);
    expect(run.stats.callbacks).toMatchObject({ pending: 0, ok: 2 });
  });

  test("of a run that is over is counted nowhere and not repeated", async () => {
    const { delivery, job, posts, runs, settle } = scene(["connect_failed", 200]);
    const one = job("");
    delivery.begin(one);
    runs.startAgain();
    await settle();
    expect(posts).toHaveLength(1);
    expect(one.record.callbacks).toBeNull();
    expect(runs.current.stats.callbacks).toMatchObject({ pending: 0, posted: 0, failed: 0 });
  });
});
