import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { queueNames } from "./catalog.ts";

/**
 * Every queue there is, opened for looking only: opening writes nothing. Fails where Redis is away, because a queue of
 * BullMQ's that cannot connect as it opens never recovers.
 */
export async function openForInspection(redis: Redis, prefix: string): Promise<Queue[]> {
  await redis.ping();
  const queues = queueNames.map((name) => {
    const queue = new Queue(name, { connection: redis, prefix, skipMetasUpdate: true });
    queue.on("error", () => {}); // each call reports its own error
    return queue;
  });
  await Promise.all(queues.map((queue) => queue.waitUntilReady()));
  return queues;
}
