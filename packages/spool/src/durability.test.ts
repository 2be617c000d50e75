import { describe, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import { readDurability, untilOnDisk } from "./durability.ts";

// What Redis versions answer that the tests' own server may not have: WAITAOF came with 7.2.

const answering = (call: () => Promise<unknown>): Redis => ({ call }) as unknown as Redis;

describe("what was appended", () => {
  test("is on disk when Redis says so", async () => {
    await untilOnDisk(answering(() => Promise.resolve([1, 0])));
  });

  test("is not to be relied on when the disk does not answer in time", async () => {
    const waiting = untilOnDisk(answering(() => Promise.resolve([0, 0])));
    await expect(waiting).rejects.toMatchObject({ kind: "unavailable" });
  });

  test.each([
    "ERR unknown command 'WAITAOF', with args beginning with: '1' '0' '2500'",
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
  ])("is as safe as its setting where Redis answers %s", async (message) => {
    await untilOnDisk(answering(() => Promise.reject(new Error(message))));
  });

  test("is not to be relied on after any other error", async () => {
    await expect(untilOnDisk(answering(() => Promise.reject(new Error("Connection is closed."))))).rejects.toThrow();
  });
});

test.each([
  ["memory", "0", null, "everysec"],
  ["aof-always", "1", [], "everysec"],
  ["aof-always", "1", null, "always"],
  ["aof", "1", null, "everysec"],
  ["aof", "1", null, undefined],
])("the promise is %s with aof_enabled %s, WAITAOF %j and appendfsync %s", async (promise, kept, waitaof, fsync) => {
  const redis = {
    info: async () => `# Persistence\r\nloading:0\r\naof_enabled:${kept}\r\n`,
    command: async () => [waitaof],
    config: async () => {
      if (fsync === undefined) throw new Error("NOPERM this user has no permissions to run the 'config|get' command");
      return ["appendfsync", fsync];
    },
  } as unknown as Redis;
  expect(await readDurability(redis)).toBe(promise);
});
