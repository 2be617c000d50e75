import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { SendMessageJobSchema } from "@wahub/proto/jobs";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { Queue } from "bullmq";
import { sendMessageJob } from "./catalog.ts";
import { createRedisConnection } from "./connection.ts";
import { createJobConsumer } from "./consumer.ts";
import type { JobConsumerOptions } from "./consumer.ts";
import { createJobProducer } from "./producer.ts";
import type { JobProducer } from "./producer.ts";
import { newPrefix, startRedisProxy, testRedisUrl, withRedis } from "./testing/redis-testing.ts";

/** Flushed by tests, so no other file may use it. */
const redisUrl = testRedisUrl(7);

/** Closed in reverse after each test. */
const cleanups: (() => Promise<unknown>)[] = [];

let prefix: string;
let producer: JobProducer;

beforeEach(() => {
  prefix = newPrefix();
  producer = newProducer(redisUrl);
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await withRedis(redisUrl, (redis) => redis.flushdb());
});

function newProducer(url: string): JobProducer {
  const created = createJobProducer({ redis: url, prefix });
  cleanups.push(() => created.close());
  return created;
}

function job(n: number, attempt = 1): SendMessageJob {
  return create(SendMessageJobSchema, {
    tenantId: "0195a1b2-c3d4-7e5f-8a7b-000000000001",
    messageId: `0195a1b2-c3d4-8e5f-8a7b-${String(n).padStart(12, "0")}`,
    attempt,
    senderId: "0195a1b2-c3d4-7e5f-8a7b-000000000002",
    messagesPerSecond: 80,
    recipientHash: new Uint8Array(16),
  });
}

/** A consumer that remembers what it ran and what went wrong. */
async function consume(change: Partial<JobConsumerOptions> = {}) {
  const events = new EventEmitter();
  const handled: SendMessageJob[] = [];
  const errors: { error: Error; jobId: string | undefined }[] = [];
  const consumer = createJobConsumer({
    redisUrl,
    prefix,
    concurrency: 10,
    drainTimeoutMs: 5_000,
    onError: (error, jobId) => {
      errors.push({ error, jobId });
      if (jobId !== undefined) events.emit("dropped");
    },
    ...change,
    handle: async (one, signal) => {
      handled.push(one);
      events.emit("handled");
      await change.handle?.(one, signal);
    },
  });
  await consumer.start();
  cleanups.push(() => consumer.stop());

  async function until(count: number): Promise<void> {
    while (handled.length < count) await once(events, "handled");
  }
  return { consumer, handled, errors, until, dropped: () => once(events, "dropped") };
}

describe("jobs", () => {
  test("are run as they were enqueued", async () => {
    const jobs = Array.from({ length: 100 }, (_, n) => job(n));
    const { handled, errors, until } = await consume();
    await producer.enqueue(jobs);
    await until(100);
    expect(handled.toSorted((a, b) => a.messageId.localeCompare(b.messageId))).toEqual(jobs);
    expect(errors).toEqual([]);
  });

  test("that wait already are not added again", async () => {
    await producer.enqueue([job(1), job(2)]);
    await producer.enqueue([job(1), job(2), job(1, 2)]);
    expect(await producer.depth()).toEqual({ waiting: 3, active: 0 });
    const { handled, until } = await consume();
    await until(3);
    expect(handled.map(({ attempt }) => attempt).toSorted((a, b) => a - b)).toEqual([1, 1, 2]);
  });

  test("that have run leave nothing behind, so their id is free again", async () => {
    const { consumer, until } = await consume();
    await producer.enqueue([job(1)]);
    await until(1);
    await consumer.stop();
    await producer.enqueue([job(1)]);
    expect(await producer.depth()).toEqual({ waiting: 1, active: 0 });
    const keys = await withRedis(redisUrl, (redis) => redis.keys(`${prefix}:whatsapp-bulk:0195*`));
    expect(keys).toHaveLength(1);
  });

  test("none at all are no call to Redis", async () => {
    const away = newProducer("redis://127.0.0.1:1");
    await expect(away.enqueue([])).resolves.toBeUndefined();
  });

  test("flow through a consumer that was waiting while Redis was flushed", async () => {
    const { handled, until } = await consume();
    await producer.enqueue([job(1)]);
    await until(1);
    await withRedis(redisUrl, (redis) => redis.flushdb());
    await producer.enqueue([job(1), job(2)]);
    await until(3);
    expect(handled).toHaveLength(3);
  });

  test("flow on when Redis is flushed while one runs", async () => {
    const started = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const { until } = await consume({
      handle: async ({ attempt }) => {
        if (attempt > 1) return;
        started.resolve();
        await goOn.promise;
      },
    });
    await producer.enqueue([job(1)]);
    await started.promise;
    await withRedis(redisUrl, (redis) => redis.flushdb());
    goOn.resolve();
    await producer.enqueue([job(1, 2), job(2, 2)]);
    await until(3);
  });

  test("are counted while they wait and run", async () => {
    const goOn = Promise.withResolvers<void>();
    const { until } = await consume({ concurrency: 1, handle: () => goOn.promise });
    await producer.enqueue([job(1), job(2), job(3)]);
    await until(1);
    expect(await producer.depth()).toEqual({ waiting: 2, active: 1 });
    goOn.resolve();
  });
});

describe("a job that fails", () => {
  test("is reported and gone, and its id is free again", async () => {
    const { errors, dropped, until } = await consume({ handle: () => Promise.reject(new Error("no luck")) });
    const gone = dropped();
    await producer.enqueue([job(1)]);
    await gone;
    expect(errors).toEqual([{ error: expect.objectContaining({ message: "no luck" }), jobId: expect.any(String) }]);
    await producer.enqueue([job(1)]);
    await until(2);
  });

  test.each(["failed", "completed"] as const)(
    "and is held as %s by whomever makes room when it is offered again",
    async (how) => {
      const connection = createRedisConnection(redisUrl);
      const queue = new Queue(sendMessageJob.queue, { connection, prefix });
      const id = sendMessageJob.id(job(1));
      const held = await queue.add("send-message", {}, { jobId: id, removeOnComplete: false, removeOnFail: false });
      await redisHolds(held.id!, how);
      await producer.enqueue([job(1)]);
      expect(await producer.depth()).toEqual({ waiting: 0, active: 0 });
      await producer.dropFinished();
      await producer.enqueue([job(1)]);
      const { until } = await consume();
      await until(1);
      await queue.close();
      connection.disconnect();
    },
  );

  test("to decode is reported and gone, and others go on", async () => {
    const connection = createRedisConnection(redisUrl);
    const queue = new Queue("whatsapp-bulk", { connection, prefix });
    await queue.add("send-message", { messageId: "nonsense" }, { jobId: "bad" });
    await queue.close();
    connection.disconnect();

    const { handled, errors, dropped, until } = await consume();
    if (errors.length === 0) await dropped();
    expect(errors).toEqual([{ error: expect.objectContaining({ name: "MalformedJobError" }), jobId: "bad" }]);
    await producer.enqueue([job(1)]);
    await until(1);
    expect(handled).toEqual([job(1)]);
    expect(await producer.depth()).toMatchObject({ waiting: 0 });
  });
});

/** Puts the job that waits among those that have run, as a worker without our options would. */
async function redisHolds(id: string, state: "failed" | "completed"): Promise<void> {
  await withRedis(redisUrl, async (redis) => {
    const queue = `${prefix}:${sendMessageJob.queue}`;
    await redis.lrem(`${queue}:wait`, 0, id);
    await redis.zadd(`${queue}:${state}`, Date.now() - 1000, id);
    await redis.hset(`${queue}:${id}`, "finishedOn", Date.now() - 1000);
  });
}

describe("stopping", () => {
  test("tells the running handler and waits for it", async () => {
    const started = Promise.withResolvers<AbortSignal>();
    const goOn = Promise.withResolvers<void>();
    let finished = false;
    const { consumer, errors } = await consume({
      handle: async (_job, signal) => {
        started.resolve(signal);
        await goOn.promise;
        finished = true;
      },
    });
    await producer.enqueue([job(1)]);
    const signal = await started.promise;
    expect(signal.aborted).toBe(false);
    const stopped = consumer.stop();
    expect(signal.aborted).toBe(true);
    expect(finished).toBe(false);
    goOn.resolve();
    await stopped;
    expect(finished).toBe(true);
    expect(errors).toEqual([]);
    expect(await producer.depth()).toEqual({ waiting: 0, active: 0 });
  });

  test("leaves waiting jobs to others", async () => {
    const goOn = Promise.withResolvers<void>();
    const { consumer, handled, until } = await consume({ concurrency: 1, handle: () => goOn.promise });
    await producer.enqueue([job(1), job(2)]);
    await until(1);
    const stopped = consumer.stop();
    goOn.resolve();
    await stopped;
    expect(handled).toHaveLength(1);
    expect(await producer.depth()).toEqual({ waiting: 1, active: 0 });
  });

  test("gives up on a handler that never ends, and says so", async () => {
    const { consumer, errors, until } = await consume({ drainTimeoutMs: 50, handle: () => new Promise(() => {}) });
    await producer.enqueue([job(1)]);
    await until(1);
    await consumer.stop();
    expect(errors).toEqual([
      {
        error: expect.objectContaining({ message: expect.stringContaining("still running 50 ms") }),
        jobId: sendMessageJob.id(job(1)),
      },
    ]);
  });

  test("twice, or without a start, is harmless", async () => {
    const { consumer } = await consume();
    await consumer.stop();
    await consumer.stop();
  });
});

describe("while Redis is away", () => {
  test("enqueueing fails soon, and both sides recover by themselves", async () => {
    const proxy = await startRedisProxy(redisUrl);
    cleanups.push(() => proxy.close());
    const viaProxy = newProducer(proxy.url);
    const { handled, until } = await consume({ redisUrl: proxy.url });
    await expect(viaProxy.enqueue([job(1)])).rejects.toMatchObject({ kind: "unavailable" });

    proxy.setUp(true);
    await enqueueWhenBack(viaProxy, job(1));
    await until(1);

    proxy.setUp(false);
    await expect(viaProxy.enqueue([job(2)])).rejects.toMatchObject({ kind: "unavailable" });
    proxy.setUp(true);
    await enqueueWhenBack(viaProxy, job(2));
    await until(2);
    expect(handled.map(({ messageId }) => messageId)).toEqual([job(1).messageId, job(2).messageId]);
  });
});

describe("a Redis that refuses", () => {
  test.each([
    ["the password", "wrong", ["+@all"]],
    ["to run scripts", "right", ["+@all", "-evalsha", "-eval"]],
    ["to wait for jobs", "right", ["+@all", "-bzpopmin"]],
  ])(
    "%s is asked again with pauses, and jobs flow when it agrees",
    async (_what, password, rules) => {
      const user = `test-${randomUUID().slice(0, 8)}`;
      const allow = (...what: string[]) =>
        withRedis(redisUrl, (redis) => redis.call("ACL", "SETUSER", user, "on", ">right", "~*", "&*", ...what));
      const refusals = () =>
        withRedis(redisUrl, async (redis) => Number(/total_error_replies:(\d+)/.exec(await redis.info("stats"))?.[1]));
      if (password === "right") await allow(...rules);
      const url = new URL(redisUrl);
      url.username = user;
      url.password = "right";
      const { errors, until, handled } = await consume({ redisUrl: url.href });
      while (errors.length === 0) await sleep(20);
      const before = { errors: errors.length, refusals: await refusals() };
      await sleep(2_000);
      expect(errors.length - before.errors).toBeLessThan(40);
      expect((await refusals()) - before.refusals).toBeLessThan(200);
      expect(handled).toEqual([]);
      await allow("+@all");
      await producer.enqueue([job(1)]);
      await until(1);
      cleanups.unshift(() => withRedis(redisUrl, (redis) => redis.call("ACL", "DELUSER", user)));
    },
    30_000,
  );
});

describe("connections that the network swallows without a word", () => {
  test("are given up, and both sides recover on new ones", async () => {
    const proxy = await startRedisProxy(redisUrl);
    cleanups.push(() => proxy.close());
    proxy.setUp(true);
    const viaProxy = newProducer(proxy.url);
    const { until } = await consume({ redisUrl: proxy.url });
    await viaProxy.enqueue([job(1)]);
    await until(1);
    proxy.swallow();
    await expect(viaProxy.enqueue([job(2)])).rejects.toMatchObject({ kind: "unavailable" });
    await enqueueWhenBack(viaProxy, job(2));
    await until(2);
  }, 30_000);
});

test("a consumer stops while Redis is away", async () => {
  const proxy = await startRedisProxy(redisUrl);
  cleanups.push(() => proxy.close());
  proxy.setUp(true);
  const goOn = Promise.withResolvers<void>();
  const { consumer, until } = await consume({
    redisUrl: proxy.url,
    drainTimeoutMs: 600_000,
    handle: () => goOn.promise,
  });
  await producer.enqueue([job(1)]);
  await until(1);
  proxy.setUp(false);
  goOn.resolve();
  await consumer.stop();
});

/** The connection comes back in its own time. */
async function enqueueWhenBack(to: JobProducer, one: SendMessageJob): Promise<void> {
  for (;;) {
    try {
      return await to.enqueue([one]);
    } catch {
      // Not back yet: the call itself has waited for the next attempt to connect.
    }
  }
}
