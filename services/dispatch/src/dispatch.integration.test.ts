import { createHash, randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { BatchState, DispatchService, MessageStatus } from "@wahub/proto";
import { createJobConsumer } from "@wahub/queue";
import { readBatch } from "@wahub/store";
import { createTestDatabase, readBalance, watchRows, type TestDatabase } from "@wahub/store/testing";
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

  test("plans on, and lets callers in, while batches take all the connections they can have", async () => {
    const stuck = await db.store.pool.connect();
    const keys = Array.from({ length: 10 }, () => randomUUID() as string);
    const calls: Promise<unknown>[] = [];
    let ended = 0;
    try {
      const { batchId } = await dispatch.bulkSend({ content, recipients: phones(1) }, call);
      await stuck.query("begin");
      // Whoever comes with one of these keys waits for this transaction, on a connection of its own.
      await stuck.query(
        `insert into batch (id, tenant_id, idempotency_key, state, sender_id, content, intake_hash, created_at, updated_at)
         select gen_random_uuid(), b.tenant_id, k, ${BatchState.ACCEPTING}, b.sender_id, b.content, '', now(), now()
           from batch b, unnest($2::text[]) k where b.id = $1`,
        [batchId, keys],
      );
      for (const idempotencyKey of keys) {
        const answer = dispatch.bulkSend({ content, recipients: phones(1), idempotencyKey }, call);
        calls.push(
          answer.then(
            () => ended++,
            () => ended++,
          ),
        );
      }
      // The tenant has taken all that it may; the rest of its calls wait for each other.
      await waitingForKeys(7);
      const otherKey = await addTenantWithSender();
      const other = await dispatch.bulkSend(
        { content, recipients: phones(1) },
        { authorization: `Bearer ${otherKey}` },
      );
      expect(other.acceptedCount).toBe(1);
      // Nobody sends in this test: what the others have queued would leave no room.
      await db.store.pool.query("delete from message where batch_id <> $1", [batchId]);
      const planned = await watchRows(
        db.store,
        "message",
        `new.batch_id = '${batchId}' and new.status = ${MessageStatus.QUEUED}`,
      );
      await db.store.pool.query("update message set status = $2 where batch_id = $1", [
        batchId,
        MessageStatus.ACCEPTED,
      ]);
      await planned.seen;
      expect((await fetch(`http://127.0.0.1:${app.ports()["admin"]}/readyz`)).status).toBe(200);
      await expect(dispatch.bulkSend({ content, recipients: [] }, call)).rejects.toMatchObject({ kind: "invalid" });
      expect(ended).toBe(0);
    } finally {
      await stuck.query("rollback");
      stuck.release();
      await Promise.all(calls);
    }
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

/** Another tenant, with a key and a sender of its own. */
async function addTenantWithSender(): Promise<string> {
  const key = `key-${randomUUID()}`;
  const [tenantId, accountId, senderId] = [randomUUID(), randomUUID(), randomUUID()];
  const { pool } = db.store;
  await pool.query("insert into tenant (id, name, recipient_hash_key, created_at) values ($1, $2, $3, now())", [
    tenantId,
    tenantId,
    randomBytes(32),
  ]);
  await pool.query(
    "insert into api_key (id, tenant_id, name, key_hash, created_at) values ($1, $2, 'test', $3, now())",
    [randomUUID(), tenantId, createHash("sha256").update(key).digest()],
  );
  await pool.query(
    "insert into account (id, tenant_id, sid, credentials_ref, created_at) values ($1, $2, $3, 'env', now())",
    [accountId, tenantId, `AC${randomBytes(16).toString("hex")}`],
  );
  await pool.query(
    `insert into sender (id, tenant_id, account_id, phone, messages_per_second, created_at)
     values ($1, $2, $3, '+15005550007', 80, now())`,
    [senderId, tenantId, accountId],
  );
  return key;
}

/** Resolves when so many calls wait for the end of whoever has claimed their key. PostgreSQL has no signal for that. */
async function waitingForKeys(count: number): Promise<void> {
  const sql = `select from pg_stat_activity where application_name = 'dispatch' and wait_event_type = 'Lock'
               and query like 'insert into batch%'`;
  while ((await db.store.pool.query(sql)).rowCount! < count) await sleep(10);
}

async function tenantOf(batchId: string): Promise<string> {
  const { rows } = await db.store.pool.query<{ tenant_id: string }>("select tenant_id from batch where id = $1", [
    batchId,
  ]);
  return rows[0]!.tenant_id;
}
