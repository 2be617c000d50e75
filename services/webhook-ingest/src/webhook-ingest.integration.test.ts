import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createLogger, loadConfig, type App } from "@wahub/platform";
import { MessageStatus } from "@wahub/proto";
import { readBatch, readMessage, readTimeline, recordOutcomes, type Claim } from "@wahub/store";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "@wahub/store/testing";
import { createWebhookIngest } from "./app.ts";
import { config } from "./config.ts";
import { messageSid, postCallback, publicWebhookUrl, testAccount, type TestCallback } from "./testing/twilio-caller.ts";

const { SENDING, UNKNOWN, SUBMITTED, SENT, UNDELIVERED, FAILED, DELIVERED, READ } = MessageStatus;

/** A batch whose messages are being sent; the claims are in the order of its messages. */
interface ClaimedBatch extends SampleBatch {
  readonly claims: readonly Claim[];
}

let db: TestDatabase;
let app: App;
let url: string;
const lines: string[] = [];
const waiters: { text: string; resolve: () => void }[] = [];
let nextSid = 1;

beforeAll(async () => {
  db = await createTestDatabase();
  app = await startApp();
  url = `http://127.0.0.1:${app.ports()["http"]}`;
});
afterAll(async () => {
  await app.stop();
  await db.drop();
});

async function startApp(): Promise<App> {
  const settings = loadConfig(config, {
    HOST: "127.0.0.1",
    HTTP_PORT: "0",
    ADMIN_PORT: "0",
    DATABASE_URL: db.databaseUrl,
    TWILIO_API_BASE_URL: "http://127.0.0.1:1", // nobody is asked for lists
    TWILIO_ACCOUNT_SID: testAccount.sid,
    TWILIO_AUTH_TOKEN: `another token,${testAccount.authToken}`,
    PUBLIC_WEBHOOK_URL: publicWebhookUrl,
    LEASE_SWEEP_EVERY_MS: "20",
  });
  const write = (line: string): void => {
    lines.push(line);
    for (const waiter of waiters.filter(({ text }) => line.includes(text))) waiter.resolve();
  };
  const started = createWebhookIngest(settings, { log: createLogger({ service: "test", level: "debug", write }) });
  await started.start();
  return started;
}

/** Resolves when the service next writes a line with this text. */
function logged(text: string): Promise<void> {
  return new Promise((resolve) => waiters.push({ text, resolve }));
}

async function claimed(recipients: number, leaseMs = 3_600_000): Promise<ClaimedBatch> {
  const now = new Date();
  const batch = await storeSampleBatch(db.store, { createdAt: now, recipients });
  const ofMessage = new Map((await claimAll(db.store, batch, now, leaseMs)).map((claim) => [claim.messageId, claim]));
  return { ...batch, claims: batch.messageIds.map((id) => ofMessage.get(id)!) };
}

const read = async (batch: SampleBatch, n = 0) =>
  (await readMessage(db.store.pool, batch.tenantId, batch.messageIds[n]!))!;
const post = (callback: TestCallback) => postCallback(url, callback);
const targetOf = (batch: SampleBatch, n = 0) => ({ messageId: batch.messageIds[n]!, attempt: 1 });

/** The batch's messages by status; the counts that callers see, the rows and the total agree. */
async function counts(batch: SampleBatch): Promise<Readonly<Record<string, number>>> {
  const { total, counted, stored } = await readBalance(db.store, batch.id);
  expect(counted).toEqual(stored);
  const shown = (await readBatch(db.store.pool, batch.tenantId, batch.id))!;
  expect(shown.counts.reduce((sum, { count }) => sum + count, 0)).toBe(total);
  return stored;
}

describe("callbacks over HTTP", () => {
  test("tell the whole story of a message", async () => {
    const batch = await claimed(1);
    const callback = { messageSid: messageSid(nextSid++), target: targetOf(batch) };
    for (const status of ["queued", "sent", "delivered", "read"]) {
      expect(await post({ ...callback, status })).toBe(204);
    }
    const message = await read(batch);
    expect(message).toMatchObject({ status: READ, twilioSid: callback.messageSid, errorCode: 0 });
    const times = [message.submittedAt, message.sentAt, message.deliveredAt, message.readAt].map((at) => at!.getTime());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect((await readTimeline(db.store.pool, batch.tenantId, message.id)).map((event) => event.status)).toEqual(
      expect.arrayContaining([SENDING, SUBMITTED, SENT, DELIVERED, READ]),
    );
    expect(await counts(batch)).toEqual({ [READ]: 1 });
  });

  test("shuffled, repeated and all at once end where they should", async () => {
    const batch = await claimed(25);
    const sids = batch.messageIds.map(() => messageSid(nextSid++));
    const stories = [
      ["sent", "delivered", "read"],
      ["sent", "read"],
      ["sent", "delivered"],
      ["queued", "sent"],
      ["failed"],
    ];
    const all = batch.messageIds.flatMap((_id, n) =>
      stories[n % stories.length]!.flatMap((status) =>
        Array.from({ length: 1 + (n % 3) }, () => ({
          status,
          messageSid: sids[n]!,
          target: targetOf(batch, n),
          ...(status === "failed" ? { errorCode: 63016 } : {}),
        })),
      ),
    );
    const shuffled = all.map((callback, i) => ({ callback, key: (i * 7919) % all.length }));
    shuffled.sort((a, b) => a.key - b.key);
    const answers = await Promise.all(shuffled.map(({ callback }) => post(callback)));
    expect(new Set(answers)).toEqual(new Set([204]));
    expect(await counts(batch)).toEqual({ [READ]: 10, [DELIVERED]: 5, [SENT]: 5, [`${FAILED}/63016`]: 5 });
    const { rows } = await db.store.pool.query<{ n: number }>(
      "select count(*)::int as n from message_event e join message m on m.id = e.message_id where m.batch_id = $1 and source = 3",
      [batch.id],
    );
    expect(rows[0]!.n).toBe(5 * stories.flat().length);
  });

  test("may come before the answer to the request; the answer then adds nothing wrong", async () => {
    const batch = await claimed(1);
    const sid = messageSid(nextSid++);
    expect(await post({ messageSid: sid, status: "delivered", target: targetOf(batch) })).toBe(204);
    const outcome = { ...batch.claims[0]!, result: { status: SUBMITTED, sid } } as const;
    expect(await recordOutcomes(db.store.pool, [outcome], new Date())).toEqual(["applied"]);
    expect(await read(batch)).toMatchObject({ status: DELIVERED, twilioSid: sid, submittedAt: expect.any(Date) });
    expect(await counts(batch)).toEqual({ [DELIVERED]: 1 });
  });

  test("read without delivered stands, and a late sent undoes nothing", async () => {
    const batch = await claimed(1);
    const callback = { messageSid: messageSid(nextSid++), target: targetOf(batch) };
    await post({ ...callback, status: "read" });
    await post({ ...callback, status: "sent" });
    expect(await read(batch)).toMatchObject({ status: READ, deliveredAt: undefined, sentAt: expect.any(Date) });
  });

  test("of a failure bring its code and what it means", async () => {
    const batch = await claimed(1);
    const callback = { messageSid: messageSid(nextSid++), target: targetOf(batch) };
    await post({ ...callback, status: "undelivered", errorCode: 63016 });
    expect(await read(batch)).toMatchObject({
      status: UNDELIVERED,
      errorCode: 63016,
      errorMessage: expect.stringContaining("24-hour window"),
      failedAt: expect.any(Date),
    });
    expect(await counts(batch)).toEqual({ [`${UNDELIVERED}/63016`]: 1 });
  });

  test("without message and attempt in the URL are found by SID, on either path", async () => {
    const batch = await claimed(2);
    const sids = [messageSid(nextSid++), messageSid(nextSid++)];
    await recordOutcomes(
      db.store.pool,
      batch.claims.map((claim, n) => ({ ...claim, result: { status: SUBMITTED, sid: sids[n]! } })),
      new Date(),
    );
    expect(await post({ messageSid: sids[0]!, status: "delivered", path: "/twilio-webhook" })).toBe(204);
    expect(await post({ messageSid: sids[1]!, status: "read", path: "/webhooks/twilio/status/" })).toBe(204);
    expect(await counts(batch)).toEqual({ [DELIVERED]: 1, [READ]: 1 });
  });

  test("of a message that nobody knows are parked, with an expiry", async () => {
    const sid = messageSid(nextSid++);
    expect(await post({ messageSid: sid, status: "delivered" })).toBe(204);
    const { rows } = await db.store.pool.query(
      "select status, extract(day from expires_at - received_at)::int as days from orphan_callback where twilio_sid = $1",
      [sid],
    );
    expect(rows).toEqual([{ status: DELIVERED, days: 7 }]);
  });

  test("with a status that is not known here change nothing and are kept, with Twilio's word", async () => {
    const batch = await claimed(1);
    const sid = messageSid(nextSid++);
    expect(await post({ messageSid: sid, status: "teleported", target: targetOf(batch) })).toBe(204);
    expect(await read(batch)).toMatchObject({ status: SENDING, twilioSid: undefined });
    const { rows } = await db.store.pool.query(
      `select message_id, attempt, status, detail ->> 'MessageStatus' as word from orphan_callback where twilio_sid = $1`,
      [sid],
    );
    expect(rows).toEqual([{ message_id: batch.messageIds[0], attempt: 1, status: 0, word: "teleported" }]);
  });

  test("that are forged change nothing", async () => {
    const batch = await claimed(1);
    const callback = { messageSid: messageSid(nextSid++), status: "read", target: targetOf(batch) };
    expect(await post({ ...callback, authToken: "a guess" })).toBe(403);
    expect(await post({ ...callback, accountSid: `AC${"f".repeat(32)}` })).toBe(403);
    expect(await read(batch)).toMatchObject({ status: SENDING, twilioSid: undefined });
    expect(await readTimeline(db.store.pool, batch.tenantId, batch.messageIds[0]!)).toHaveLength(1);
    const parked = await db.store.pool.query("select from orphan_callback where twilio_sid = $1", [
      callback.messageSid,
    ]);
    expect(parked.rowCount).toBe(0);
  });
});

describe("the service", () => {
  test("moves messages to unknown whose sender did not report in time; a callback still clears them up", async () => {
    const swept = logged("leases_expired");
    const batch = await claimed(2, 1);
    await swept;
    expect(await counts(batch)).toEqual({ [UNKNOWN]: 2 });
    await post({ messageSid: messageSid(nextSid++), status: "sent", target: targetOf(batch) });
    expect(await counts(batch)).toEqual({ [UNKNOWN]: 1, [SENT]: 1 });
  });

  test("is ready when it has started and PostgreSQL answers", async () => {
    const ready = await fetch(`http://127.0.0.1:${app.ports()["admin"]}/readyz`);
    expect(await ready.json()).toEqual({
      ready: true,
      checks: [
        { name: "postgresql", ok: true },
        { name: "schema", ok: true },
      ],
    });
  });

  test("finishes what is in flight when it stops: whatever was answered 204 is there", async () => {
    const batch = await claimed(30);
    const stopping = await startApp();
    const stoppingUrl = `http://127.0.0.1:${stopping.ports()["http"]}`;
    const first = logged("callback_taken");
    const answers = batch.messageIds.map((_id, n) =>
      postCallback(stoppingUrl, {
        messageSid: messageSid(nextSid++),
        status: "sent",
        target: targetOf(batch, n),
      }).catch(() => 0),
    );
    await first;
    await stopping.stop();
    const statuses = await Promise.all(answers);
    const taken = statuses.flatMap((status, n) => (status === 204 ? [n] : []));
    expect(statuses.every((status) => status === 204 || status === 0)).toBe(true);
    expect(taken.length).toBeGreaterThan(0);
    for (const n of taken) expect((await read(batch, n)).status).toBe(SENT);
  });

  test("writes nobody's number into its log", () => {
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("")).not.toMatch(/4155550/);
  });
});
