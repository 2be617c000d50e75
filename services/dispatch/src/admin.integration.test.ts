import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { AdminService, DispatchService, SendingState, type Sender } from "@wahub/proto";
import { createJobConsumer } from "@wahub/queue";
import { claimMessages, pauseSending, slowSending } from "@wahub/store";
import { createTestDatabase, type TestDatabase } from "@wahub/store/testing";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { createDispatch } from "./app.ts";
import { config } from "./config.ts";

const apiKey = `key-${randomUUID()}`;
const prefix = `test-${randomBytes(6).toString("hex")}`;
const call = { authorization: `Bearer ${apiKey}` };
const redisUrl = process.env["TEST_REDIS_URL"]!;
const accountSid = `AC${"1".repeat(32)}`;
let db: TestDatabase;
let app: App;
let admin: ReturnType<typeof connect>;
let target: string;

const connect = (to: string) => createGrpcClient(AdminService, to);

beforeAll(async () => {
  db = await createTestDatabase();
  const settings = {
    HOST: "127.0.0.1",
    GRPC_PORT: "0",
    ADMIN_PORT: "0",
    LOG_LEVEL: "silent",
    DATABASE_URL: db.databaseUrl,
    REDIS_URL: redisUrl,
    REDIS_PREFIX: prefix,
    BOOTSTRAP_API_KEY: apiKey,
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_WHATSAPP_FROM: "whatsapp:+15005550006",
  };
  app = createDispatch(loadConfig(config, settings));
  await app.start();
  target = `127.0.0.1:${app.ports()["grpc"]}`;
  admin = connect(target);
});
afterAll(async () => {
  admin?.close();
  await app?.stop();
  await db?.drop();
});

async function onlySender(): Promise<Sender> {
  const { senders } = await admin.listSenders({}, call);
  expect(senders).toHaveLength(1);
  return senders[0]!;
}

const idsOf = async () => {
  const { rows } = await db.store.pool.query<{ tenant_id: string; id: string; account_id: string }>(
    "select tenant_id, id, account_id from sender",
  );
  return { tenantId: rows[0]!.tenant_id, senderId: rows[0]!.id, accountId: rows[0]!.account_id };
};

beforeEach(async () => {
  const { senderId, accountId } = await idsOf();
  await admin.resumeSender({ senderId }, call);
  await admin.resumeAccount({ accountId }, call);
});

describe("the senders of a tenant", () => {
  test("are listed with their account, their speed, and that nothing holds them back", async () => {
    expect(await onlySender()).toMatchObject({
      phone: "+15005550006",
      messagesPerSecond: 80,
      effectiveMessagesPerSecond: 80,
      account: { sid: accountSid, sending: { state: SendingState.ACTIVE } },
      sending: { state: SendingState.ACTIVE, pauseCode: 0, pauseReason: "", probes: 0, pace: 1 },
    });
  });

  test("tell what paused them by itself, since when, and when a message tries", async () => {
    const { tenantId, accountId } = await idsOf();
    const now = new Date();
    const pause = { code: 20003, reason: "wrong credentials", now, waits: { firstMs: 60_000, maxMs: 60_000 } };
    await pauseSending(db.store.pool, { scope: "account", tenantId, id: accountId }, pause);
    const { account, sending, effectiveMessagesPerSecond } = await onlySender();
    expect(effectiveMessagesPerSecond).toBe(0);
    expect(sending).toMatchObject({ state: SendingState.ACTIVE });
    expect(account!.sending).toMatchObject({
      state: SendingState.PAUSED,
      pauseCode: 20003,
      pauseReason: "wrong credentials",
      pausedAt: { seconds: BigInt(Math.floor(now.getTime() / 1000)) },
      probeAt: { seconds: BigInt(Math.floor(now.getTime() / 1000) + 60) },
    });
  });

  test("tell how slow they have become, and how long they rest", async () => {
    const { tenantId, senderId } = await idsOf();
    const slow = { now: new Date(), retryAfterMs: 30_000, restMs: 0, recoveryMs: 60_000 };
    await slowSending(db.store.pool, { scope: "sender", tenantId, id: senderId }, slow);
    const { sending, effectiveMessagesPerSecond } = await onlySender();
    expect(sending!.pace).toBeGreaterThanOrEqual(0.5);
    expect(sending!.pace).toBeLessThan(0.8);
    expect(sending!.holdUntil).toBeDefined();
    expect(effectiveMessagesPerSecond).toBe(0);
    const { sender } = await admin.resumeSender({ senderId }, call);
    expect(sender).toMatchObject({ effectiveMessagesPerSecond: 80, sending: { pace: 1 } });
    expect(sender!.sending!.holdUntil).toBeUndefined();
  });

  test("belong to the tenant: nobody else sees, pauses or resumes them", async () => {
    const { senderId, accountId } = await idsOf();
    const other = await addTenant();
    expect(await admin.listSenders({}, other)).toMatchObject({ senders: [] });
    const kind = { kind: "not_found" };
    await expect(admin.pauseSender({ senderId, reason: "" }, other)).rejects.toMatchObject(kind);
    await expect(admin.resumeSender({ senderId }, other)).rejects.toMatchObject(kind);
    await expect(admin.pauseAccount({ accountId, reason: "" }, other)).rejects.toMatchObject(kind);
    await expect(admin.resumeAccount({ accountId }, other)).rejects.toMatchObject(kind);
    await expect(admin.listSenders({}, { authorization: "Bearer no" })).rejects.toMatchObject({
      kind: "unauthenticated",
    });
    expect(await onlySender()).toMatchObject({ effectiveMessagesPerSecond: 80 });
  });

  test("are not found by an id that is none, and not paused for a reason that cannot be stored", async () => {
    await expect(admin.pauseSender({ senderId: "x" }, call)).rejects.toMatchObject({ kind: "invalid" });
    await expect(admin.pauseSender({ senderId: randomUUID() }, call)).rejects.toMatchObject({ kind: "not_found" });
    const { senderId } = await idsOf();
    await expect(admin.pauseSender({ senderId, reason: "\u0000" }, call)).rejects.toMatchObject({
      violations: [{ field: "reason" }],
    });
  });
});

describe.each(["sender", "account"] as const)("a person who pauses a %s", (scope) => {
  const pause = async (reason: string) => {
    const { senderId, accountId } = await idsOf();
    return scope === "sender"
      ? (await admin.pauseSender({ senderId: senderId.toUpperCase(), reason }, call)).sender!
      : (await admin.pauseAccount({ accountId, reason }, call)).senders[0]!;
  };
  const resume = async () => {
    const { senderId, accountId } = await idsOf();
    return scope === "sender" ? admin.resumeSender({ senderId }, call) : admin.resumeAccount({ accountId }, call);
  };

  test("stops its messages at once, without a message that tries; resumed, all are offered within two seconds", async () => {
    const jobs: SendMessageJob[] = [];
    const consumer = createJobConsumer({
      redisUrl,
      prefix,
      concurrency: 10,
      handle: async (job) => void jobs.push(job),
      onError: (error) => {
        throw error;
      },
    });
    await consumer.start();
    const dispatch = createGrpcClient(DispatchService, target);
    try {
      const recipients = Array.from({ length: 20 }, (_, i) => ({ phone: `+12125550${100 + i}` }));
      const content = { kind: { case: "text", value: { body: "Hello" } } } as const;
      const { messageIds } = await dispatch.bulkSend({ content, recipients }, call);
      await until(() => jobs.length >= 20);

      const paused = await pause("moving");
      expect(paused.effectiveMessagesPerSecond).toBe(0);
      const sending = scope === "sender" ? paused.sending! : paused.account!.sending!;
      expect(sending).toMatchObject({ state: SendingState.PAUSED, pauseCode: 0, pauseReason: "moving" });
      expect(sending.probeAt).toBeUndefined();
      expect((await claim(jobs)).every((granted) => granted === undefined)).toBe(true);

      jobs.length = 0;
      const resumedAt = performance.now();
      await resume();
      await until(() => jobs.length >= 20);
      expect(performance.now() - resumedAt).toBeLessThan(2_000);
      expect(new Set(jobs.map((job) => job.messageId))).toEqual(new Set(messageIds));
      expect((await claim(jobs)).every((granted) => granted !== undefined)).toBe(true);
    } finally {
      dispatch.close();
      await consumer.stop();
    }
  });

  test("is shown in the metrics", async () => {
    await pause("moving");
    const line = new RegExp(`whatsapphub_paused\\{scope="${scope}",code="0".*\\} 1`);
    await until(async () => {
      const response = await fetch(`http://127.0.0.1:${app.ports()["admin"]}/metrics`);
      return line.test(await response.text());
    });
  });
});

function claim(jobs: readonly SendMessageJob[]) {
  return claimMessages(
    db.store.pool,
    jobs.map(({ tenantId, messageId, attempt }) => ({ tenantId, messageId, attempt, token: randomUUID() })),
    { now: new Date(), leaseMs: 60_000 },
  );
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function addTenant(): Promise<{ authorization: string }> {
  const key = `key-${randomUUID()}`;
  const [tenantId, keyId] = [randomUUID(), randomUUID()];
  const { pool } = db.store;
  await pool.query(
    "insert into tenant (id, name, recipient_hash_key, created_at) values ($1, 'other', '\\x00', now())",
    [tenantId],
  );
  await pool.query(
    "insert into api_key (id, tenant_id, name, key_hash, created_at) values ($1, $2, 'test', $3, now())",
    [keyId, tenantId, createHash("sha256").update(key).digest()],
  );
  return { authorization: `Bearer ${key}` };
}
