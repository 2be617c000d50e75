import { describe, expect, test } from "@jest/globals";
import { supervise, type Run } from "./supervise.ts";

/** Runs that die when they are told to, and starts that fail when they are told to. */
function fakeProcess() {
  const said: string[] = [];
  const heard = new Map<string, () => void>();
  const runs: { end: (how: string) => void; stopped: boolean }[] = [];
  const failures: string[] = [];
  const start = async (): Promise<Run> => {
    const failure = failures.shift();
    if (failure !== undefined) throw new Error(`${failure}\nits last lines`);
    const ended = Promise.withResolvers<string>();
    const run = { end: ended.resolve, stopped: false };
    runs.push(run);
    const stop = async () => {
      run.stopped = true;
      ended.resolve("exit code 0");
    };
    return { pid: runs.length, ended: ended.promise, stop };
  };
  const say = (line: string) => {
    said.push(line);
    heard.get(line)?.();
  };
  const hears = (line: string) =>
    said.includes(line) ? Promise.resolve() : new Promise<void>((resolve) => heard.set(line, resolve));
  const options = { name: "sender", start, say, firstWaitMs: 1, longestWaitMs: 4 };
  return { options, said, hears, runs, failures };
}

describe("supervise", () => {
  test("starts again what ends by itself, and says so", async () => {
    const { options, said, hears, runs } = fakeProcess();
    const sender = await supervise(options);
    runs[0]!.end("signal");
    await hears("sender runs again as process 2");
    expect(said).toEqual([
      "sender runs as process 1",
      "sender is gone (signal); starting it again in 0.001 s",
      "sender runs again as process 2",
    ]);
    await sender.stop();
    expect(runs.map((run) => run.stopped)).toEqual([false, true]);
  });

  test("waits twice as long after each failure in a row, up to a limit", async () => {
    const { options, said, hears, runs, failures } = fakeProcess();
    const sender = await supervise(options);
    failures.push("no database", "no database", "no database");
    runs[0]!.end("exit code 1");
    await hears("sender runs again as process 2");
    expect(said.slice(1)).toEqual([
      "sender is gone (exit code 1); starting it again in 0.001 s",
      "sender did not start: no database; starting it again in 0.002 s",
      "sender did not start: no database; starting it again in 0.004 s",
      "sender did not start: no database; starting it again in 0.004 s",
      "sender runs again as process 2",
    ]);
    await sender.stop();
  });

  test("begins with the shortest wait again after a healthy run", async () => {
    const { options, hears, said, runs } = fakeProcess();
    const sender = await supervise({ ...options, healthyAfterMs: 0 });
    runs[0]!.end("exit code 1");
    await hears("sender runs again as process 2");
    runs[1]!.end("exit code 2");
    await hears("sender runs again as process 3");
    expect(said).toContain("sender is gone (exit code 2); starting it again in 0.001 s");
    await sender.stop();
  });

  test("does not start again what was stopped, also while it waits to", async () => {
    const { options, hears, runs } = fakeProcess();
    const first = await supervise(options);
    await first.stop();
    const second = await supervise({ ...options, firstWaitMs: 600_000 });
    runs[1]!.end("exit code 1");
    await hears("sender is gone (exit code 1); starting it again in 600 s");
    await second.stop();
    expect(runs).toHaveLength(2);
  });

  test("passes on why the first start failed", async () => {
    const { options, failures } = fakeProcess();
    failures.push("no such file");
    await expect(supervise(options)).rejects.toThrow("no such file");
  });
});
