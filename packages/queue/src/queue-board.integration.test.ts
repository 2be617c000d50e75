import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { SendMessageJobSchema } from "@wahub/proto/jobs";
import { createJobConsumer } from "./consumer.ts";
import { createJobProducer } from "./producer.ts";
import { createQueueBoard } from "./queue-board.ts";
import { newPrefix, startRedisProxy, testRedisUrl, withRedis } from "./testing/redis-testing.ts";

const redisUrl = testRedisUrl();
const cleanups: (() => unknown)[] = [];
let prefix: string;

beforeEach(() => {
  prefix = newPrefix();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function startBoard(url = redisUrl) {
  const board = createQueueBoard({ redisUrl: url, prefix, path: "/queues" });
  const server = createServer(board.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(
    () => server.close(),
    () => server.closeAllConnections(),
    () => board.close(),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function enqueue(count: number): Promise<void> {
  const producer = createJobProducer({ redis: redisUrl, prefix });
  const jobs = Array.from({ length: count }, (_, n) =>
    create(SendMessageJobSchema, {
      tenantId: "0195a1b2-c3d4-7e5f-8a7b-000000000001",
      messageId: `0195a1b2-c3d4-8e5f-8a7b-${String(n).padStart(12, "0")}`,
      attempt: 1,
      senderId: "0195a1b2-c3d4-7e5f-8a7b-000000000002",
      messagesPerSecond: 80,
      recipientHash: new Uint8Array(16),
    }),
  );
  await producer.enqueue(jobs);
  await producer.close();
}

interface ShownQueue {
  name: string;
  counts: Record<string, number>;
  jobs: { id: string; data: object }[];
  readOnlyMode: boolean;
  allowRetries: boolean;
  hasWorkers: boolean;
}

async function shownQueue(url: string): Promise<ShownQueue> {
  const answer = await fetch(`${url}/queues/api/queues?activeQueue=whatsapp-bulk&status=waiting&page=1`);
  const { queues } = (await answer.json()) as { queues: [ShownQueue] };
  expect(queues).toHaveLength(1);
  return queues[0];
}

describe("the queue board", () => {
  test("shows what waits in each queue: ids and facts of a job, nothing of the person", async () => {
    await enqueue(3);
    const queue = await shownQueue(await startBoard());
    expect(queue).toMatchObject({ name: "whatsapp-bulk", counts: { waiting: 3, active: 0, failed: 0 } });
    expect(queue.jobs).toHaveLength(3);
    const fields = ["attempt", "messageId", "messagesPerSecond", "recipientHash", "senderId", "tenantId"];
    expect(Object.keys(queue.jobs[0]!.data).toSorted()).toEqual(fields);
  });

  test("only shows: retrying, cleaning, pausing and adding are refused", async () => {
    await enqueue(1);
    const url = await startBoard();
    const queue = await shownQueue(url);
    expect(queue).toMatchObject({ readOnlyMode: true, allowRetries: false });
    const id = queue.jobs[0]!.id;
    const attempts = [`${id}/retry`, `${id}/clean`, "clean/waiting", "empty", "pause", "obliterate", "add"];
    for (const attempt of attempts) {
      const method = attempt === "add" ? "POST" : "PUT";
      const answer = await fetch(`${url}/queues/api/queues/whatsapp-bulk/${attempt}`, { method });
      expect({ attempt, refused: [404, 405].includes(answer.status) }).toEqual({ attempt, refused: true });
    }
    await fetch(`${url}/queues/api/queues/pause`, { method: "PUT" });
    expect(await shownQueue(url)).toMatchObject({ counts: { waiting: 1 }, isPaused: false });
  });

  test("serves its page and its files below its path, and leads there from the root", async () => {
    const url = await startBoard();
    const page = await (await fetch(url)).text();
    expect(page).toContain('<base href="/queues/"');
    expect(page).toContain("WhatsApp Hub queues");
    const [, script] = /src="(static\/js\/main[^"]*)"/.exec(page) ?? [];
    expect((await fetch(`${url}/queues/${script}`)).status).toBe(200);
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
  });

  test("knows whether anybody takes jobs", async () => {
    const url = await startBoard();
    expect(await shownQueue(url)).toMatchObject({ hasWorkers: false });
    const consumer = createJobConsumer({ redisUrl, prefix, concurrency: 1, handle: async () => {}, onError: () => {} });
    await consumer.start();
    cleanups.push(() => consumer.stop());
    while (!(await shownQueue(url)).hasWorkers);
  });

  test("connects with the first request, and writes nothing", async () => {
    const connections = () => withRedis(redisUrl, async (redis) => String(await redis.call("CLIENT", "LIST")));
    const before = (await connections()).split("name=queue-board").length;
    const url = await startBoard();
    expect((await connections()).split("name=queue-board")).toHaveLength(before);
    await shownQueue(url);
    expect((await connections()).split("name=queue-board").length).toBeGreaterThan(before);
    expect(await withRedis(redisUrl, (redis) => redis.keys(`${prefix}*`))).toEqual([]);
  });

  test("says 503 while Redis is away, and works when it is back", async () => {
    const proxy = await startRedisProxy(redisUrl);
    cleanups.push(() => proxy.close());
    const url = await startBoard(proxy.url);
    expect((await fetch(`${url}/queues`)).status).toBe(503);
    proxy.setUp(true);
    while ((await fetch(`${url}/queues`)).status === 503);
    expect(await shownQueue(url)).toMatchObject({ name: "whatsapp-bulk" });
  });
});
