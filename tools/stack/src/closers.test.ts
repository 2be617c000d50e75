import { describe, expect, test } from "@jest/globals";
import { allStarted, createClosers } from "./closers.ts";

describe("createClosers", () => {
  test("closes the last started first, each once", async () => {
    const closed: string[] = [];
    const closers = createClosers();
    for (const name of ["a", "b"]) closers.add(async () => void closed.push(name));
    await closers.track(Promise.resolve({ stop: async () => void closed.push("c") }));
    await Promise.all([closers.close(), closers.close()]);
    expect(closed).toEqual(["c", "b", "a"]);
  });

  test("goes on after a failure and reports it", async () => {
    const closed: string[] = [];
    const closers = createClosers();
    closers.add(async () => void closed.push("a"));
    closers.add(() => Promise.reject(new Error("stuck")));
    await expect(closers.close()).rejects.toThrow("stuck");
    expect(closed).toEqual(["a"]);
  });
});

test("allStarted fails only when nothing is starting any more", async () => {
  const slow = Promise.withResolvers<string>();
  let failed = false;
  const both = allStarted([Promise.reject(new Error("no")), slow.promise]).catch(() => (failed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(failed).toBe(false);
  slow.resolve("started");
  await both;
  expect(failed).toBe(true);
});
