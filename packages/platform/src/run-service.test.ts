import { EventEmitter } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { type App, createApp } from "./app.ts";
import { ConfigError } from "./config.ts";
import { PortInUseError } from "./listen.ts";
import { type ProcessLike, runService } from "./run-service.ts";
import { capturedLog } from "./testing.ts";

class FakeProcess extends EventEmitter implements ProcessLike {
  readonly env = { A: "1" };
  connected = true;
  readonly sent: unknown[] = [];
  readonly errors: string[] = [];
  readonly exits: number[] = [];
  send: ((message: unknown) => unknown) | undefined = (message) => this.sent.push(message);
  readonly stderr = { write: (text: string) => this.errors.push(text) };
  readonly #exited = Promise.withResolvers<void>();
  readonly exited = this.#exited.promise;
  exit(code: number): void {
    this.exits.push(code);
    this.#exited.resolve();
  }
}

async function run(overrides: Partial<App> = {}, timeoutMs = 10_000, prepare: (proc: FakeProcess) => void = () => {}) {
  const proc = new FakeProcess();
  const { log, lines } = capturedLog();
  prepare(proc);
  const story: string[] = [];
  const app: App = {
    log,
    start: async () => void story.push("start"),
    stop: async () => void story.push("stop"),
    ports: () => ({ grpc: 50_051 }),
    ...overrides,
  };
  await runService({
    name: "test",
    load: () => ({ SHUTDOWN_TIMEOUT_MS: timeoutMs }),
    create: () => app,
    process: proc,
  });
  return { proc, lines, story, events: () => lines.map((line) => line["event"]) };
}

describe("runService", () => {
  test("reports the ports by log and to the parent once everything runs", async () => {
    const { proc, lines } = await run();
    expect(lines).toEqual([expect.objectContaining({ level: "info", event: "started", ports: { grpc: 50_051 } })]);
    expect(proc.sent).toEqual([{ type: "started", ports: { grpc: 50_051 } }]);
    expect(proc.exits).toEqual([]);
  });

  test("needs no parent", async () => {
    const { proc } = await run({}, 10_000, (fake) => {
      fake.send = undefined;
    });
    expect(proc.exits).toEqual([]);
    expect(proc.listenerCount("disconnect")).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT", "disconnect"])("stops gracefully on %s and exits with 0", async (event) => {
    const { proc, story } = await run();
    proc.emit(event);
    await proc.exited;
    expect(proc.exits).toEqual([0]);
    expect(story).toEqual(["start", "stop"]);
  });

  test("stops when the parent has vanished before it was listened for", async () => {
    const { proc, story } = await run({}, 10_000, (fake) => {
      fake.connected = false;
    });
    await proc.exited;
    expect(proc.exits).toEqual([0]);
    expect(story).toEqual(["stop"]);
  });

  test("stopped while it starts, it reports no start and exits with 0", async () => {
    const starting = Promise.withResolvers<void>();
    const proc = new FakeProcess();
    const { log, lines } = capturedLog();
    const app = createApp({
      log,
      components: [{ name: "slow", start: () => starting.promise, stop: async () => {} }],
    });
    const running = runService({
      name: "test",
      load: () => ({ SHUTDOWN_TIMEOUT_MS: 10_000 }),
      create: () => app,
      process: proc,
    });
    await new Promise((resolve) => setImmediate(resolve));
    proc.emit("SIGTERM");
    starting.resolve();
    await Promise.all([running, proc.exited]);
    expect(proc.exits).toEqual([0]);
    expect(proc.sent).toEqual([]);
    expect(lines.map((line) => line["event"])).not.toContain("started");
  });

  test("exits with 1 at a second signal", async () => {
    const { proc } = await run({ stop: () => new Promise(() => {}) });
    proc.emit("SIGINT");
    expect(proc.exits).toEqual([]);
    proc.emit("SIGTERM");
    expect(proc.exits).toEqual([1]);
  });

  test("does not take the parent's end for a second signal", async () => {
    const stopped = Promise.withResolvers<void>();
    const { proc } = await run({ stop: () => stopped.promise });
    proc.emit("SIGINT");
    proc.emit("disconnect");
    expect(proc.exits).toEqual([]);
    stopped.resolve();
    await proc.exited;
    expect(proc.exits).toEqual([0]);
  });

  test("exits with 1 when stopping takes longer than it may", async () => {
    const { proc, events } = await run({ stop: () => new Promise(() => {}) }, 1);
    proc.emit("SIGTERM");
    await proc.exited;
    expect(proc.exits).toEqual([1]);
    expect(events()).toContain("stop_deadline_exceeded");
  });

  test("exits with 1 when stopping fails", async () => {
    const { proc } = await run({ stop: () => Promise.reject(new Error("stuck")) });
    proc.emit("SIGTERM");
    await proc.exited;
    expect(proc.exits).toEqual([1]);
  });

  test("prints every fault of the configuration and exits with 78", async () => {
    const proc = new FakeProcess();
    await runService({
      name: "test",
      load: (): { SHUTDOWN_TIMEOUT_MS: number } => {
        throw new ConfigError(["A is not set", "B is wrong"]);
      },
      create: () => {
        throw new Error("not reached");
      },
      process: proc,
    });
    expect(proc.errors.join("")).toBe("A is not set\nB is wrong\n");
    expect(proc.exits).toEqual([78]);
  });

  test("names the port that is in use and exits with 69", async () => {
    const inUse = new PortInUseError("the admin server (ADMIN_PORT)", "127.0.0.1", 9102);
    const { proc } = await run({ start: () => Promise.reject(inUse) });
    expect(proc.errors.join("")).toContain("127.0.0.1:9102");
    expect(proc.exits).toEqual([69]);
  });

  test("exits with 1 when the start fails otherwise, and says why", async () => {
    const { proc, lines } = await run({ start: () => Promise.reject(new Error("no database")) });
    expect(lines).toEqual([
      expect.objectContaining({
        level: "fatal",
        event: "start_failed",
        err: expect.objectContaining({ message: "no database" }),
      }),
    ]);
    expect(proc.exits).toEqual([1]);
  });

  test.each(["uncaughtException", "unhandledRejection"])("logs an %s and exits with 1", async (event) => {
    const { proc, lines } = await run();
    proc.emit(event, new Error("a bug"));
    expect(lines.at(-1)).toMatchObject({ level: "fatal", err: { message: "a bug" } });
    expect(proc.exits).toEqual([1]);
  });
});
