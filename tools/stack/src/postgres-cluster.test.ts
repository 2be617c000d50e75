import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { postgresUser } from "./os-user.ts";
import { keptCluster, type MakeCluster } from "./postgres-cluster.ts";
import type { Watchdog } from "./watchdog.ts";

const user = postgresUser();
const watchdog: Watchdog = { guard: () => {}, removeAtEnd: () => {}, close: async () => {} };
const made: string[] = [];
const make: MakeCluster = async (folder, password) => {
  made.push(password);
  writeFileSync(join(folder, "data"), "");
};
let base: string;
let folder: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "wahub-cluster-test-"));
  chmodSync(base, 0o755);
  folder = join(base, "data", "postgres");
  made.length = 0;
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

const cluster = () => keptCluster({ folder, user, watchdog, make });

describe("a cluster that is kept", () => {
  test("is made once, for its own user alone, and found with its password", async () => {
    const first = await cluster();
    expect(first).toEqual({ folder: realpathSync(folder), password: made[0] });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(await cluster()).toEqual(first);
    expect(made).toHaveLength(1);
  });

  test("is never half there: what a broken first start left goes away", async () => {
    const broken = keptCluster({ folder, user, watchdog, make: () => Promise.reject(new Error("power cut")) });
    await expect(broken).rejects.toThrow("power cut");
    await cluster();
    expect(readdirSync(join(base, "data"))).toEqual(["postgres"]);
  });

  (user === undefined ? test.skip : test)("is elsewhere when its user cannot reach the folder", async () => {
    chmodSync(base, 0o700);
    const first = await cluster();
    try {
      expect(lstatSync(folder).isSymbolicLink()).toBe(true);
      expect(first.folder).toBe(realpathSync(folder));
      expect(first.folder.startsWith(base)).toBe(false);
      expect(await cluster()).toEqual(first);
    } finally {
      rmSync(first.folder, { recursive: true });
    }
  });

  (user === undefined ? test.skip : test)("that belongs to another user is not touched", async () => {
    mkdirSync(folder, { recursive: true });
    await expect(cluster()).rejects.toThrow(/postgres belongs to the user with id 0, but PostgreSQL would run as/);
  });
});
