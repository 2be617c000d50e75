import { HubError } from "@wahub/domain";
import type { Queue } from "bullmq";
import { createRedisConnection } from "./connection.ts";
import { openForInspection } from "./inspection.ts";

/** What lies in one queue. */
export interface QueueCounts {
  readonly queue: string;
  readonly waiting: number;
  readonly active: number;
  /** Neither of these two is used by the hub: jobs of anybody else would show up here. */
  readonly prioritized: number;
  readonly delayed: number;
  /** A job that fails leaves nothing behind, so this stays at zero unless something else writes to the queue. */
  readonly failed: number;
  readonly paused: boolean;
}

/** Looks into the queues; changes nothing. */
export interface QueueInspector {
  /** One entry per queue of the catalog, also for one that has never held a job. @throws {HubError} `unavailable` */
  counts(): Promise<readonly QueueCounts[]>;
  close(): void;
}

/** Connects with the first call. */
export function createQueueInspector(options: { redisUrl: string; prefix: string }): QueueInspector {
  const redis = createRedisConnection(options.redisUrl, { name: "queue-inspector" });
  let opening: Promise<Queue[]> | undefined;

  function queues(): Promise<Queue[]> {
    opening ??= openForInspection(redis, options.prefix).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  return {
    async counts() {
      try {
        return await Promise.all((await queues()).map(countsOf));
      } catch (cause) {
        throw new HubError("unavailable", "Redis is not available", { cause });
      }
    },
    close: () => redis.disconnect(),
  };
}

async function countsOf(queue: Queue): Promise<QueueCounts> {
  const [counts, paused] = await Promise.all([
    queue.getJobCounts("wait", "active", "prioritized", "delayed", "failed"),
    queue.isPaused(),
  ]);
  const { wait = 0, active = 0, prioritized = 0, delayed = 0, failed = 0 } = counts;
  return { queue: queue.name, waiting: wait, active, prioritized, delayed, failed, paused };
}
