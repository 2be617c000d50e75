import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { withFileLock } from "./file-lock.mjs";

let folder: string;
let lock: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wahub-lock-test-"));
  lock = join(folder, "a", "lock");
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("withFileLock", () => {
  test("lets one in at a time and leaves nothing behind", async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => withFileLock(lock, work, { pollMs: 1 })));
    expect(most).toBe(1);
    expect(readdirSync(join(folder, "a"))).toEqual([]);
  });

  test("hands back what the work returns, and frees the lock when the work fails", async () => {
    await expect(withFileLock(lock, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await expect(withFileLock(lock, () => 42)).resolves.toBe(42);
  });

  test("tells once that it waits for a holder that is alive", async () => {
    const inside = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    let count = 0;
    const first = withFileLock(lock, () => (inside.resolve(), leave.promise));
    await inside.promise;
    const onWait = () => {
      count += 1;
      told.resolve();
    };
    const second = withFileLock(lock, () => "second", { pollMs: 1, onWait });
    await told.promise;
    leave.resolve();
    await first;
    await expect(second).resolves.toBe("second");
    expect(count).toBe(1);
  });

  test("takes over the lock of a process that was killed while holding it", async () => {
    const script = `
      const { withFileLock } = await import(${JSON.stringify(new URL("file-lock.mjs", import.meta.url).href)});
      await withFileLock(${JSON.stringify(lock)}, () => { console.log("inside"); return new Promise((r) => setTimeout(r, 1e6)); });`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(existsSync(lock)).toBe(true);
    await expect(withFileLock(lock, () => "taken over", { pollMs: 1 })).resolves.toBe("taken over");
  });

  test("does not mistake a later process with the same id for the holder", async () => {
    await withFileLock(lock, () => {
      const holder = JSON.parse(readFileSync(lock, "utf8")) as object;
      writeFileSync(`${lock}.earlier`, JSON.stringify({ ...holder, startTime: "1" }));
    });
    writeFileSync(lock, readFileSync(`${lock}.earlier`));
    await expect(withFileLock(lock, () => "mine", { pollMs: 1 })).resolves.toBe("mine");
  });

  test("takes over from a holder elsewhere that has been silent for a minute, not from one that was heard of", async () => {
    await withFileLock(join(folder, "warm"), () => undefined);
    writeFileSync(join(folder, "lock"), JSON.stringify({ pid: 1, host: "elsewhere", startTime: "1" }));
    let waited = false;
    const onWait = () => {
      waited = true;
      const longAgo = new Date(Date.now() - 61_000);
      utimesSync(join(folder, "lock"), longAgo, longAgo);
    };
    await expect(withFileLock(join(folder, "lock"), () => "mine", { pollMs: 1, onWait })).resolves.toBe("mine");
    expect(waited).toBe(true);
  });
});
