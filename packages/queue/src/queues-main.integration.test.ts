import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { Queue } from "bullmq";
import { newPrefix, testRedisUrl, withRedis } from "./testing/redis-testing.ts";

const redisUrl = testRedisUrl();

function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const main = fileURLToPath(new URL("queues-main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env["PATH"], ...env }, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  const ended = once(child, "close").then(([code]) => ({ code: code as number, ...output }));
  return { child, ended };
}

/** Two jobs wait, one is delayed, one has priority. */
async function fill(prefix: string): Promise<void> {
  await withRedis(redisUrl, async (connection) => {
    const queue = new Queue("whatsapp-bulk", { connection, prefix });
    await queue.addBulk([
      { name: "one", data: {} },
      { name: "two", data: {} },
      { name: "later", data: {}, opts: { delay: 600_000 } },
      { name: "first", data: {}, opts: { priority: 1 } },
    ]);
    await queue.close();
  });
}

describe("npm run queues", () => {
  test("prints what lies in each queue", async () => {
    const prefix = newPrefix();
    await fill(prefix);
    const { code, stdout, stderr } = await run([], { REDIS_URL: redisUrl, REDIS_PREFIX: prefix }).ended;
    expect(stdout.trimEnd().split("\n")).toEqual([
      "queue          waiting  active  delayed  failed  prioritized  paused",
      "whatsapp-bulk        2       0        1       0            1      no",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("shows a queue that never held a job, and leaves no trace", async () => {
    const prefix = newPrefix();
    const { stdout } = await run([], { REDIS_URL: redisUrl, REDIS_PREFIX: prefix }).ended;
    expect(stdout).toMatch(/^whatsapp-bulk +0 +0 +0 +0 +0 +no$/m);
    expect(await withRedis(redisUrl, (redis) => redis.keys(`${prefix}*`))).toEqual([]);
  });

  test("goes on with --watch until it is interrupted, which is no failure", async () => {
    const { child, ended } = run(["--watch"], { REDIS_URL: redisUrl, REDIS_PREFIX: newPrefix() });
    let tables = 0;
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith("queue") && ++tables === 2) child.kill("SIGINT");
    expect((await ended).code).toBe(0);
  });

  test.each([
    ["Redis is away", [], { REDIS_URL: "redis://:secret@127.0.0.1:1" }, 69, "Redis is not available at 127.0.0.1:1 "],
    ["REDIS_URL is missing", [], {}, 78, "REDIS_URL is missing: set it to"],
    ["REDIS_URL is wrong", [], { REDIS_URL: "http://secret" }, 78, "REDIS_URL is no Redis URL: set it to"],
    ["it does not know an argument", ["--wacth"], { REDIS_URL: redisUrl }, 64, "usage: npm run queues [-- --watch]"],
  ])("says so when %s", async (_, args, env, exitCode, message) => {
    const { code, stdout, stderr } = await run(args, env).ended;
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("secret");
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
  });
});
