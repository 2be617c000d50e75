import { setTimeout as sleep } from "node:timers/promises";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { Worker } from "bullmq";
import type { Redis } from "ioredis";
import { sendMessageJob } from "./catalog.ts";
import { decodeJob } from "./codec.ts";
import { createRedisConnection } from "./connection.ts";

export interface JobConsumerOptions {
  readonly redisUrl: string;
  /** Of all keys; the producer's. */
  readonly prefix: string;
  /** How many jobs run at once in this process. */
  readonly concurrency: number;
  /**
   * Runs one job. The same job may run twice, even at the same time: after a flush of Redis, or when this process
   * stood still for longer than BullMQ's lock. So the handler must be fenced, as the claim is.
   *
   * @param signal aborted when the consumer stops: finish what cannot be undone, begin nothing new. It is one signal for
   *   all jobs, so a listener must be removed again.
   */
  readonly handle: (job: SendMessageJob, signal: AbortSignal) => Promise<void>;
  /**
   * Told of a handler that threw, of a payload that does not decode, both with the job's id, and of trouble with Redis.
   * The job in question is gone: whoever planned it plans it again.
   */
  readonly onError: (error: Error, jobId?: string) => void;
  /** How long `stop` waits for running jobs; the rest is reported to `onError`. Default 20 s. */
  readonly drainTimeoutMs?: number;
}

/** Takes jobs from Redis and runs them. */
export interface JobConsumer {
  /** Begins to take jobs. Returns at once, also while Redis is away: jobs flow when it is back. */
  start(): Promise<void>;
  /** Takes no more jobs and waits for the running ones, at most `drainTimeoutMs` and a second for Redis. */
  stop(): Promise<void>;
}

const defaultDrainTimeoutMs = 20_000;

/** BullMQ waits this long before it asks again after Redis was away; its own 15 s would be felt. */
const retryAfterErrorMs = 1_000;

/**
 * A process that dies leaves its jobs behind as stalled; others take them over. BullMQ counts how often, and fails a job
 * after one time; here a claim decides whether a job may still run, so the count only has to stop a job that kills
 * every process that takes it.
 */
const mostTakeovers = 10;

/**
 * How long a process may be silent until its jobs count as left behind, and how often that is looked for: what a killed
 * sender had not claimed yet goes on after as long. Taking over from one that lives does no harm.
 */
const lockMs = 10_000;
const stalledCheckMs = 5_000;

/** What is left to do for BullMQ when no job runs any more. */
const closeTimeoutMs = 1_000;

/** See `JobConsumer`. BullMQ's retries and rate limits are not used: waiting is a time in PostgreSQL. */
export function createJobConsumer(options: JobConsumerOptions): JobConsumer {
  const { drainTimeoutMs = defaultDrainTimeoutMs } = options;
  const stopping = new AbortController();
  const active = new Set<PromiseWithResolvers<void>>();
  let running: { worker: Worker; redis: Redis } | undefined;

  async function run(payload: unknown): Promise<void> {
    const job = decodeJob(sendMessageJob, payload);
    const end = Promise.withResolvers<void>();
    active.add(end);
    options.handle(job, stopping.signal).then(end.resolve, end.reject);
    await end.promise.finally(() => active.delete(end));
  }

  return {
    async start() {
      const redis = createRedisConnection(options.redisUrl, { role: "blocking" });
      const worker = new PatientWorker(sendMessageJob.queue, (job) => run(job.data), {
        connection: redis,
        prefix: options.prefix,
        concurrency: options.concurrency,
        maxStalledCount: mostTakeovers,
        lockDuration: lockMs,
        stalledInterval: stalledCheckMs,
        runRetryDelay: retryAfterErrorMs,
        // As the producer asks for each of its jobs; here for jobs of anybody else.
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      });
      worker.stopping = stopping.signal;
      worker.on("failed", (job, error) => options.onError(error, job?.id));
      worker.on("error", (error) => options.onError(error));
      running = { worker, redis };
    },

    async stop() {
      if (running === undefined) return;
      const { worker, redis } = running;
      running = undefined;
      stopping.abort();
      const drained = Promise.allSettled([...active].map((job) => job.promise));
      // BullMQ tells Redis of each job that ends, and would wait for a Redis that is away for good.
      const closed = redis.status === "ready" ? worker.close() : drained.then(() => worker.close(true));
      await atMost(drainTimeoutMs, Promise.race([closed, drained]));
      const stillRunning = new Error(`still running ${drainTimeoutMs} ms after the consumer was stopped`);
      for (const job of active) job.reject(stillRunning);
      await atMost(closeTimeoutMs, closed);
      redis.disconnect();
    },
  };
}

/**
 * BullMQ asks for the next job again at once where Redis refuses to hand one out: it has no memory left, or the user may
 * not run scripts. That would be thousands of times a second.
 */
class PatientWorker extends Worker {
  /** Ends the pause. */
  stopping: AbortSignal | undefined;

  protected override async moveToActive(
    ...args: Parameters<Worker["moveToActive"]>
  ): ReturnType<Worker["moveToActive"]> {
    try {
      return await super.moveToActive(...args);
    } catch (error) {
      await sleep(retryAfterErrorMs, undefined, this.stopping && { signal: this.stopping }).catch(() => undefined);
      throw error;
    }
  }
}

/** Waits for `work`, but no longer than this. */
async function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
