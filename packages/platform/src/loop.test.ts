import { afterEach, describe, expect, test } from "@jest/globals";
import { createLoop, type Loop, type LoopOptions } from "./loop.ts";
import { createMetrics } from "./metrics.ts";
import { capturedLog } from "./testing.ts";

interface Pause {
  readonly ms: number;
  readonly end: () => void;
}

const loops: Loop[] = [];
afterEach(() => Promise.all(loops.splice(0).map((loop) => loop.stop())));

/** A loop whose pauses the test ends itself; `paused()` is the next one. */
function looped(runOnce: LoopOptions["runOnce"], overrides: Partial<LoopOptions> = {}) {
  const { log, lines } = capturedLog();
  const metrics = createMetrics({ service: "test" });
  const waiting: ((pause: Pause) => void)[] = [];
  const begun: Pause[] = [];
  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve());
      const next = { ms, end: resolve };
      const waiter = waiting.shift();
      if (waiter === undefined) begun.push(next);
      else waiter(next);
    });
  const loop = createLoop({ name: "plan", everyMs: 1_000, runOnce, log, metrics, jitter: 0, pause, ...overrides });
  loops.push(loop);
  const paused = (): Promise<Pause> => {
    const ready = begun.shift();
    return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
  };
  return { loop, lines, metrics, paused };
}

describe("createLoop", () => {
  test("runs at the start and again after each pause", async () => {
    let runs = 0;
    const { loop, paused } = looped(async () => void (runs += 1));
    await loop.start();
    const pause = await paused();
    expect(pause.ms).toBe(1_000);
    expect(runs).toBe(1);
    pause.end();
    await paused();
    expect(runs).toBe(2);
  });

  test("runs again at once while there is more to do", async () => {
    let left = 3;
    const { loop, paused } = looped(async () => ({ again: (left -= 1) > 0 }));
    await loop.start();
    await paused();
    expect(left).toBe(0);
  });

  test("goes on after an error, waiting longer after each in a row, and counts it", async () => {
    const results = ["error", "error", "ok", "error"];
    const { loop, lines, metrics, paused } = looped(
      async () => {
        if (results.shift() === "error") throw new Error("no database");
      },
      { everyMs: 100 },
    );
    await loop.start();
    const pauses: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const pause = await paused();
      pauses.push(pause.ms);
      if (i < 3) pause.end();
    }
    expect(pauses).toEqual([250, 500, 100, 250]);
    expect(lines.filter((line) => line["event"] === "loop_failed")).toHaveLength(3);
    expect(await metrics.registry.metrics()).toContain('loop="plan",result="error",service="test"} 3');
  });

  test("never waits longer than the bound after errors", async () => {
    const { loop, paused } = looped(() => Promise.reject(new Error("x")), { everyMs: 1, maxBackoffMs: 600 });
    await loop.start();
    const pauses: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const pause = await paused();
      pauses.push(pause.ms);
      pause.end();
    }
    expect(pauses).toEqual([250, 500, 600, 600]);
  });

  test("does not wait for its next turn after an error, however far off that is", async () => {
    const { loop, paused } = looped(() => Promise.reject(new Error("x")), { everyMs: 3_600_000 });
    await loop.start();
    expect((await paused()).ms).toBe(2_000);
  });

  test("fills no log during a long outage, and says when it is over", async () => {
    let runs = 0;
    const { loop, lines, paused } = looped(async () => {
      if ((runs += 1) <= 20) throw new Error("no database");
    });
    await loop.start();
    for (let i = 0; i < 21; i += 1) (await paused()).end();
    const loud = lines.filter(({ level }) => level !== "debug");
    expect(loud.map(({ event, failures }) => [event, failures])).toEqual([
      ...[1, 2, 4, 8, 16].map((failures) => ["loop_failed", failures]),
      ["loop_recovered", 20],
    ]);
  });

  test("wake ends a pause", async () => {
    let runs = 0;
    const { loop, paused } = looped(async () => void (runs += 1));
    await loop.start();
    await paused();
    loop.wake();
    await paused();
    expect(runs).toBe(2);
  });

  test("wake during a run makes one more run right after", async () => {
    let runs = 0;
    const first = Promise.withResolvers<void>();
    const { loop, paused } = looped(async () => {
      runs += 1;
      if (runs === 1) await first.promise;
    });
    await loop.start();
    loop.wake();
    loop.wake();
    first.resolve();
    await paused();
    expect(runs).toBe(2);
  });

  test("wake does not cut short the pause after an error", async () => {
    let runs = 0;
    const { loop, paused } = looped(async () => {
      runs += 1;
      throw new Error("no database");
    });
    await loop.start();
    const pause = await paused();
    loop.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toBe(1);
    pause.end();
    await paused();
    expect(runs).toBe(2);
  });

  test("stop tells the run under way and waits for it", async () => {
    const entered = Promise.withResolvers<AbortSignal>();
    const finish = Promise.withResolvers<void>();
    const story: string[] = [];
    const { loop } = looped(async (signal) => {
      entered.resolve(signal);
      await finish.promise;
      story.push("run over");
      return { again: true };
    });
    await loop.start();
    const signal = await entered.promise;
    const stopped = loop.stop().then(() => story.push("stopped"));
    expect(signal.aborted).toBe(true);
    finish.resolve();
    await stopped;
    expect(story).toEqual(["run over", "stopped"]);
  });

  test("stop ends a pause", async () => {
    const { loop, paused } = looped(async () => {});
    await loop.start();
    await paused();
    await loop.stop();
  });

  test("spreads its pauses", async () => {
    const { loop, paused } = looped(async () => {}, { jitter: 0.5, random: () => 0.5 });
    await loop.start();
    expect((await paused()).ms).toBe(750);
  });

  test("pauses by the clock when nothing else is given", async () => {
    const done = Promise.withResolvers<void>();
    let runs = 0;
    const loop = createLoop({
      name: "tick",
      everyMs: 1,
      log: capturedLog().log,
      metrics: createMetrics({ service: "test" }),
      runOnce: async () => {
        runs += 1;
        if (runs === 3) done.resolve();
      },
    });
    await loop.start();
    await done.promise;
    await loop.stop();
  });
});
