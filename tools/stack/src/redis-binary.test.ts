import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { resolveRedisBinary } from "./redis-binary.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wahub-redis-test-"));
  mkdirSync(join(folder, "bin"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Looks only into the folder of this test: there is no apt in it either. */
const resolve = () =>
  resolveRedisBinary({ cacheFolder: join(folder, "cache"), environment: { PATH: join(folder, "bin") }, log: () => {} });

describe("resolveRedisBinary", () => {
  test("takes redis-server from PATH if it is new enough", async () => {
    program("bin/redis-server", "Redis server v=6.2.0 sha=0");
    await expect(resolve()).resolves.toEqual({ command: join(folder, "bin/redis-server"), version: [6, 2], env: {} });
  });

  test("prefers a new valkey-server to an old redis-server", async () => {
    program("bin/redis-server", "Redis server v=6.0.16 sha=0");
    program("bin/valkey-server", "Valkey server v=8.0.1 sha=0");
    await expect(resolve()).resolves.toMatchObject({ command: join(folder, "bin/valkey-server"), version: [8, 0] });
  });

  test("says what it found, how to install one and which variable names another, where there is no way to get one", async () => {
    program("bin/redis-server", "Redis server v=5.0.7 sha=0");
    await expect(resolve()).rejects.toThrow(/redis-server 5\.0 is older than 6\.2[^]*install redis[^]*REDIS_URL/);
  });
});

function program(path: string, answer: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "${answer}"\n`);
  chmodSync(file, 0o755);
}
