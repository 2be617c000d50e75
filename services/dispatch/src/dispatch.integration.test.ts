import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { BatchState, DispatchService, MessageStatus } from "@wahub/proto";
import { createJobConsumer } from "@wahub/queue";
import { readBatch } from "@wahub/store";
import { createTestDatabase, readBalance, type TestDatabase } from "@wahub/store/testing";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { createDispatch } from "./app.ts";
import { config } from "./config.ts";

const apiKey = `key-${randomUUID()}`;
const prefix = `test-${randomBytes(6).toString("hex")}`;
const call = { authorization: `Bearer ${apiKey}` };
const content = { kind: { case: "text", value: { body: "Hello" } } } as const;
const redisUrl = process.env["TEST_REDIS_URL"]!;
let db: TestDatabase;
let app: App;
let dispatch: ReturnType<typeof connect>;

const settings = (): Record<string, string> => ({
  HOST: "127.0.0.1",
  GRPC_PORT: "0",
  ADMIN_PORT: "0",
  LOG_LEVEL: "silent",
  DATABASE_URL: db.databaseUrl,
  REDIS_URL: redisUrl,
  REDIS_PREFIX: prefix,
  BOOTSTRAP_API_KEY: apiKey,
  TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`,
  TWILIO_WHATSAPP_FROM: "whatsapp:+15005550006",
});
const connect = (port: number) => createGrpcClient(DispatchService, `127.0.0.1:${port}`);
const phones = (count: number): { phone: string }[] =>
  Array.from({ length: count }, (_, i) => ({ phone: `+1212555${String(100 + i).padStart(4, "0")}` }));

beforeAll(async () => {
  db = await createTestDatabase();
  app = createDispatch(loadConfig(config, settings()));
  await app.start();
  dispatch = connect(app.ports()["grpc"]!);
});
afterAll(async () => {
  dispatch?.close();
  await app?.stop();
  await db?.drop();
});

describe("dispatch", () => {
  test("stores a batch and hands one job per message to Redis", async () => {
    const jobs: SendMessageJob[] = [];
    const allTaken = Promise.withResolvers<void>();
    const consumer = createJobConsumer({
      redisUrl,
      prefix,
      concurrency: 10,
      handle: async (job) => void (jobs.push(job) === 30 && allTaken.resolve()),
      onError: (error) => {
        throw error;
      },
    });
    await consumer.start();
    try {
      const answer = await dispatch.bulkSend({ content, recipients: phones(30) }, call);
      await allTaken.promise;
      expect(jobs.map((job) => job.messageId).toSorted()).toEqual(answer.messageIds.toSorted());
      expect(jobs[0]).toMatchObject({ attempt: 1, messagesPerSecond: 80 });
      expect(JSON.stringify(jobs)).not.toContain("212555");
      const { stored, counted } = await readBalance(db.store, answer.batchId);
      expect(stored).toEqual({ [MessageStatus.QUEUED]: 30 });
      expect(counted).toEqual(stored);
    } finally {
      await consumer.stop();
    }
  });

  test("takes 50,000 recipients in one call", async () => {
    const recipients = Array.from({ length: 50_000 }, (_, i) => ({
      phone: `+4479${String(11_000_000 + i).padStart(8, "0")}`,
      metadata: { customer: i },
    }));
    const answer = await dispatch.bulkSend({ content, recipients }, { ...call, deadlineMs: 60_000 });
    expect(answer).toMatchObject({ acceptedCount: 50_000, rejectedCount: 0 });
    expect(new Set(answer.messageIds).size).toBe(50_000);
    expect(await readBatch(db.store.pool, await tenantOf(answer.batchId), answer.batchId)).toMatchObject({
      state: BatchState.RUNNING,
      total: 50_000,
    });
    await db.store.pool.query("update batch set state = $2 where id = $1", [answer.batchId, BatchState.COMPLETED]);
  }, 60_000);

  test.each([
    ["no key", {}, "unauthenticated"],
    ["an unknown key", { authorization: "Bearer nobody" }, "unauthenticated"],
    ["a key in another form", { authorization: `Basic ${apiKey}` }, "unauthenticated"],
  ])("refuses a call with %s", async (_case, options, kind) => {
    await expect(dispatch.bulkSend({ content, recipients: phones(1) }, options)).rejects.toMatchObject({ kind });
  });

  test("says what is wrong, by field", async () => {
    await expect(dispatch.bulkSend({ content, recipients: [] }, call)).rejects.toMatchObject({
      kind: "invalid",
      violations: [{ field: "recipients" }],
    });
    await expect(dispatch.bulkSend({ recipients: phones(1) }, call)).rejects.toMatchObject({
      kind: "invalid",
      violations: [{ field: "content" }],
    });
    await expect(
      dispatch.bulkSend({ content, recipients: [{ phone: "x" }, ...phones(1)], allOrNothing: true }, call),
    ).rejects.toMatchObject({ kind: "invalid", violations: [{ field: "recipients[0].phone", index: 0 }] });
  });

  test("answers an equal call with the same batch and refuses other content under the same key", async () => {
    const request = { content, recipients: [...phones(2), { phone: "x" }], idempotencyKey: randomUUID() };
    const [first, second] = await Promise.all([dispatch.bulkSend(request, call), dispatch.bulkSend(request, call)]);
    expect(second).toEqual(first);
    expect(first.messageIds[2]).toBe("");
    await expect(dispatch.bulkSend({ ...request, recipients: phones(3) }, call)).rejects.toMatchObject({
      kind: "conflict",
    });
  });

  test("does not start without any API key", async () => {
    const empty = await createTestDatabase();
    try {
      const { BOOTSTRAP_API_KEY: _, ...rest } = settings();
      const keyless = createDispatch(loadConfig(config, { ...rest, DATABASE_URL: empty.databaseUrl }));
      await expect(keyless.start()).rejects.toThrow("BOOTSTRAP_API_KEY");
    } finally {
      await empty.drop();
    }
  });
});

async function tenantOf(batchId: string): Promise<string> {
  const { rows } = await db.store.pool.query<{ tenant_id: string }>("select tenant_id from batch where id = $1", [
    batchId,
  ]);
  return rows[0]!.tenant_id;
}
