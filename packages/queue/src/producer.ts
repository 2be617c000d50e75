import { HubError } from "@wahub/domain";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { sendMessageJob } from "./catalog.ts";
import { encodeJob } from "./codec.ts";
import { createRedisConnection } from "./connection.ts";

export interface QueueDepth {
  readonly waiting: number;
  readonly active: number;
}

/** Puts jobs into Redis. */
export interface JobProducer {
  /**
   * Adds jobs; one whose id is still waiting or running is left as it is. Returns when Redis has them all.
   *
   * @throws {HubError} `unavailable`, when none, some or all of them may have been added: adding them again is harmless
   */
  enqueue(jobs: readonly SendMessageJob[]): Promise<void>;
  /**
   * Lets go of jobs that have run and are still held: none of ours is, but what another release or a person has left there
   * would block its id for good. For jobs that are offered again, before they are.
   *
   * @throws {HubError} `unavailable`
   */
  dropFinished(): Promise<void>;
  /** How many jobs wait and run. @throws {HubError} `unavailable` */
  depth(): Promise<QueueDepth>;
  /** Closes the connection, if it is the producer's own. */
  close(): Promise<void>;
}

/** BullMQ keeps the last events of a queue for listeners; nobody listens here. */
const keptEvents = 100;

/** Finished jobs let go of per state and call; the next call takes the next ones. */
const mostDropped = 1_000;

/** PostgreSQL decides about retries, so nothing of a job that has run stays behind: what stays would block its id. */
const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true };

/**
 * @param options.redis URL, or a connection of the caller made by `createRedisConnection`, which the caller closes
 * @param options.prefix of all keys
 */
export function createJobProducer(options: { redis: string | Redis; prefix: string }): JobProducer {
  const own = typeof options.redis === "string" ? createRedisConnection(options.redis) : undefined;
  const redis = own ?? (options.redis as Redis);
  let opening: Promise<Queue> | undefined;

  /** BullMQ's queue gives up for good when Redis is away as it opens, so a failure is forgotten. */
  function queue(): Promise<Queue> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  async function open(): Promise<Queue> {
    await redis.ping();
    const opened = new Queue(sendMessageJob.queue, {
      connection: redis,
      prefix: options.prefix,
      defaultJobOptions: jobOptions,
      streams: { events: { maxLen: keptEvents } },
    });
    opened.on("error", () => {}); // each call reports its own error
    await opened.waitUntilReady();
    return opened;
  }

  async function call<T>(what: string, use: (queue: Queue) => Promise<T>): Promise<T> {
    try {
      return await use(await queue());
    } catch (cause) {
      throw new HubError("unavailable", `${what}: Redis is not available`, { cause });
    }
  }

  return {
    async enqueue(jobs) {
      if (jobs.length === 0) return;
      const entries = jobs.map((job) => ({
        name: sendMessageJob.name,
        data: encodeJob(sendMessageJob, job),
        opts: { jobId: sendMessageJob.id(job) },
      }));
      await call("enqueue", (opened) => opened.addBulk(entries));
    },

    async dropFinished() {
      await call("dropFinished", async (opened) => {
        for (const state of ["failed", "completed"] as const) await opened.clean(0, mostDropped, state);
      });
    },

    async depth() {
      const { wait = 0, active = 0 } = await call("depth", (opened) => opened.getJobCounts("wait", "active"));
      return { waiting: wait, active };
    },

    async close() {
      await (await opening?.catch(() => undefined))?.close();
      own?.disconnect();
    },
  };
}
