import { describe, expect, test } from "@jest/globals";
import { type Component, createApp } from "./app.ts";
import { capturedLog } from "./testing.ts";

function recorded(story: string[], name: string, overrides: Partial<Component> = {}): Component {
  return {
    name,
    start: async () => void story.push(`start ${name}`),
    stop: async () => void story.push(`stop ${name}`),
    ...overrides,
  };
}

describe("createApp", () => {
  test("starts in order, stops in reverse, and tells components in between", async () => {
    const story: string[] = [];
    const watched = recorded(story, "a", {
      appStarted: () => void story.push("a knows it runs"),
      appStopping: () => void story.push("a knows it stops"),
    });
    const app = createApp({
      log: capturedLog().log,
      components: [watched, recorded(story, "b")],
      ports: () => ({ grpc: 1 }),
    });
    await app.start();
    expect(app.ports()).toEqual({ grpc: 1 });
    await app.stop();
    expect(story).toEqual(["start a", "start b", "a knows it runs", "a knows it stops", "stop b", "stop a"]);
  });

  test("stops what has started when a start fails, and throws its error", async () => {
    const story: string[] = [];
    const broken = recorded(story, "b", { start: () => Promise.reject(new Error("no database")) });
    const app = createApp({
      log: capturedLog().log,
      components: [recorded(story, "a"), broken, recorded(story, "c")],
    });
    await expect(app.start()).rejects.toThrow("no database");
    expect(story).toEqual(["start a", "stop a"]);
  });

  test("stops the others when one fails to stop, and throws its error in the end", async () => {
    const story: string[] = [];
    const { log, lines } = capturedLog();
    const broken = recorded(story, "b", { stop: () => Promise.reject(new Error("stuck")) });
    const app = createApp({ log, components: [recorded(story, "a"), broken] });
    await app.start();
    await expect(app.stop()).rejects.toThrow("stuck");
    expect(story).toEqual(["start a", "start b", "stop a"]);
    expect(lines).toContainEqual(expect.objectContaining({ event: "component_stop_failed", component: "b" }));
  });

  test("a stop during the start waits for the component under way and starts no more", async () => {
    const story: string[] = [];
    const slow = Promise.withResolvers<void>();
    const app = createApp({
      log: capturedLog().log,
      components: [recorded(story, "a", { start: () => slow.promise }), recorded(story, "b")],
    });
    const started = app.start();
    const stopped = app.stop();
    slow.resolve();
    await Promise.all([started, stopped]);
    expect(story).toEqual(["stop a"]);
  });

  test("a stop during the start tells the component under way, which may be waiting for something", async () => {
    const story: string[] = [];
    const waiting = recorded(story, "a", {
      start: (stopping) => new Promise((resolve) => stopping?.addEventListener("abort", () => resolve())),
    });
    const app = createApp({ log: capturedLog().log, components: [waiting, recorded(story, "b")] });
    const started = app.start();
    await Promise.all([app.stop(), started]);
    expect(story).toEqual(["stop a"]);
  });

  test("stops once, however often it is told to", async () => {
    const story: string[] = [];
    const app = createApp({ log: capturedLog().log, components: [recorded(story, "a")] });
    await app.start();
    await Promise.all([app.stop(), app.stop()]);
    expect(story).toEqual(["start a", "stop a"]);
  });
});
