import { describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { createApp } from "./app.ts";
import { capturedLog } from "./testing.ts";
import { createStartStep, waitUntil } from "./wait-until.ts";

const away = (text: string) => () => Promise.reject(new HubError("unavailable", text));

/** Runs the attempts one after another; the last one's result is the end. */
async function wait(attempts: (() => Promise<string>)[]) {
  const { log, lines } = capturedLog();
  const pauses: number[] = [];
  const result = await waitUntil({
    name: "bootstrap",
    attempt: () => attempts.shift()!(),
    signal: new AbortController().signal,
    log,
    pause: async (ms) => void pauses.push(ms),
  });
  return { result, pauses, lines };
}

describe("waitUntil", () => {
  test("goes on at once where nothing is missing, and has nothing to say", async () => {
    const { result, pauses, lines } = await wait([async () => "done"]);
    expect({ result, pauses, lines }).toEqual({ result: "done", pauses: [], lines: [] });
  });

  test("tries again with longer pauses until it works", async () => {
    const { result, pauses } = await wait([
      ...Array.from({ length: 6 }, () => away("no database")),
      async () => "done",
    ]);
    expect(result).toBe("done");
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000]);
  });

  test("says each reason once, and when it goes on", async () => {
    const reasons = ["no database", "no database", "no schema", "no schema", "no database"];
    const { lines } = await wait([...reasons.map(away), async () => "done"]);
    expect(lines.map(({ event, reason }) => [event, reason])).toEqual([
      ["waiting", "no database"],
      ["waiting", "no schema"],
      ["waiting", "no database"],
      ["wait_over", undefined],
    ]);
  });

  test("does not wait for what no waiting helps", async () => {
    await expect(wait([away("no database"), () => Promise.reject(new Error("a bug"))])).rejects.toThrow("a bug");
    const refusal = new HubError("not_now", "no API key");
    await expect(wait([() => Promise.reject(refusal)])).rejects.toBe(refusal);
  });

  test.each(["an attempt", "a pause"])("ends at once when it is told to, in the middle of %s", async (where) => {
    const abort = new AbortController();
    const entered = Promise.withResolvers<void>();
    const waiting = waitUntil({
      name: "bootstrap",
      attempt: () => {
        if (where === "a pause") return away("no database")();
        entered.resolve();
        return new Promise(() => {});
      },
      signal: abort.signal,
      log: capturedLog().log,
      pause: (_, signal) => {
        entered.resolve();
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
      },
    });
    await entered.promise;
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("a start step", () => {
  test("lets what follows start when it has gone through", async () => {
    const story: string[] = [];
    const { log } = capturedLog();
    const app = createApp({
      log,
      components: [
        createStartStep({ name: "bootstrap", run: async () => void story.push("step"), log }),
        { name: "server", start: async () => void story.push("server"), stop: async () => {} },
      ],
    });
    await app.start();
    await app.stop();
    expect(story).toEqual(["step", "server"]);
  });

  test("that waits does not keep the app from stopping", async () => {
    const story: string[] = [];
    const entered = Promise.withResolvers<void>();
    const { log } = capturedLog();
    const run = (): Promise<void> => {
      entered.resolve();
      return new Promise(() => {});
    };
    const app = createApp({
      log,
      components: [
        { name: "store", start: async () => {}, stop: async () => void story.push("store closed") },
        createStartStep({ name: "bootstrap", run, log }),
        { name: "server", start: async () => void story.push("server"), stop: async () => {} },
      ],
    });
    const started = app.start();
    await entered.promise;
    await app.stop();
    await started;
    expect(story).toEqual(["store closed"]);
  });

  test("ends the start with an error that no waiting helps", async () => {
    const { log } = capturedLog();
    const run = () => Promise.reject(new HubError("not_now", "no API key"));
    const app = createApp({ log, components: [createStartStep({ name: "bootstrap", run, log })] });
    await expect(app.start()).rejects.toThrow("no API key");
  });
});
