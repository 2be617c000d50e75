import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { BatchState, EventSource, MessageStatus, StatusService, type Batch } from "@wahub/proto";
import { cancelBatch, cancelWaiting, foldCounts, pauseBatch, recordOutcomes } from "@wahub/store";
import {
  claimAll,
  createTestDatabase,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "@wahub/store/testing";
import { createStatusQuery } from "./app.ts";
import { config } from "./config.ts";

const now = new Date("2026-03-01T12:00:00.000Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);
const apiKey = `key-${randomUUID()}`;
const call = { authorization: `Bearer ${apiKey}` };
let db: TestDatabase;
let app: App;
let status: ReturnType<typeof connect>;

const connect = (port: number) => createGrpcClient(StatusService, `127.0.0.1:${port}`);
const settings = (databaseUrl: string): Record<string, string> => ({
  HOST: "127.0.0.1",
  GRPC_PORT: "0",
  ADMIN_PORT: "0",
  LOG_LEVEL: "silent",
  DATABASE_URL: databaseUrl,
  WATCH_EVERY_MS: "50",
  WATCHERS_PER_TENANT_MAX: "200",
});

beforeAll(async () => {
  db = await createTestDatabase({ now });
  app = createStatusQuery(loadConfig(config, { ...settings(db.databaseUrl), BOOTSTRAP_API_KEY: apiKey }));
  await app.start();
  status = connect(app.ports()["grpc"]!);
});
afterAll(async () => {
  status?.close();
  await app?.stop();
  await db?.drop();
});

/** Sends all of the batch: Twilio takes the first `taken`, the rest is refused. */
async function send(batch: SampleBatch, taken: number): Promise<void> {
  const all = await claimAll(db.store, batch, later(1000));
  const claims = all.filter((claim) => batch.messageIds.includes(claim.messageId));
  await recordOutcomes(
    db.store.pool,
    claims.map(({ tenantId, messageId, attempt, token }, i) => ({
      tenantId,
      messageId,
      attempt,
      token,
      result:
        i < taken
          ? { status: MessageStatus.SUBMITTED, sid: `SM${i}` }
          : { status: MessageStatus.FAILED, errorCode: 21211, errorMessage: "Invalid number" },
    })),
    later(2000),
  );
}

describe("a message", () => {
  test("is shown with everything that was learned about it", async () => {
    const batch = await storeSampleBatch(db.store, {
      createdAt: now,
      recipients: ["+14155550101"],
      body: "Hello",
      metadata: { from: "batch" },
    });
    const [messageId] = batch.messageIds;
    const waiting = await status.getMessage({ messageId: messageId! }, call);
    expect(timestampDate(waiting.message!.nextAttemptAt!)).toEqual(now);

    await send(batch, 1);
    const { message, timeline } = await status.getMessage({ messageId: messageId!.toUpperCase() }, call);
    expect(message).toMatchObject({
      id: messageId,
      batchId: batch.id,
      recipient: "+14155550101",
      messageContent: "Hello",
      twilioSid: "SM0",
      status: MessageStatus.SUBMITTED,
      errorCode: 0,
      metadata: { from: "batch" },
      attempt: 1,
    });
    expect(message!.nextAttemptAt).toBeUndefined();
    expect(timestampDate(message!.submittedAt!)).toEqual(later(2000));
    expect(timeline.map((event) => [event.status, event.source, timestampDate(event.at!)])).toEqual([
      [MessageStatus.ACCEPTED, EventSource.HUB, now],
      [MessageStatus.SENDING, EventSource.HUB, later(1000)],
      [MessageStatus.SUBMITTED, EventSource.RESPONSE, later(2000)],
    ]);
  });
});

describe("a batch", () => {
  test("is shown with counts that add up", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 5 });
    await send(batch, 3);
    const { batch: shown } = await status.getBatch({ batchId: batch.id }, call);
    expect(shown).toMatchObject({
      id: batch.id,
      state: BatchState.RUNNING,
      total: 5,
      settled: false,
      counts: [
        { status: MessageStatus.SUBMITTED, errorCode: 0, count: 3 },
        { status: MessageStatus.FAILED, errorCode: 21211, count: 2 },
      ],
    });
  });

  test("is listed page by page, every message once", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 1000 });
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await status.listMessages({ batchId: batch.id, pageSize: 333, pageToken }, call);
      seen.push(...page.messages.map((message) => message.id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(batch.messageIds.toSorted());
  });

  test("is listed by status", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 4 });
    await send(batch, 3);
    const failed = await status.listMessages({ batchId: batch.id, statuses: [MessageStatus.FAILED] }, call);
    expect(failed.messages).toMatchObject([{ status: MessageStatus.FAILED, errorMessage: "Invalid number" }]);
    expect(failed.nextPageToken).toBe("");
    const read = await status.listMessages({ batchId: batch.id, statuses: [MessageStatus.READ] }, call);
    expect(read.messages).toEqual([]);
  });

  test("can be watched until it is settled", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 2 });
    const seen: Batch[] = [];
    for await (const { batch: shown } of status.watchBatch({ batchId: batch.id }, call)) {
      seen.push(shown!);
      if (seen.length > 1) continue;
      await send(batch, 0);
      await foldCounts(db.store.pool, { now: later(3000), limit: 1000 });
    }
    expect(seen[0]).toMatchObject({ state: BatchState.RUNNING, settled: false });
    expect(seen.at(-1)).toMatchObject({ state: BatchState.COMPLETED, settled: true });
  });

  test("tells its watchers that it is paused, and why, and that it is called off, until nothing is left of it", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 2 });
    const { pool } = db.store;
    const seen: Batch[] = [];
    for await (const { batch: shown } of status.watchBatch({ batchId: batch.id }, call)) {
      seen.push(shown!);
      const pause = { code: 63027, reason: "no such template", now: later(1000) };
      if (shown!.state === BatchState.RUNNING) await pauseBatch(pool, batch.tenantId, batch.id, pause);
      if (shown!.state === BatchState.PAUSED) await cancelBatch(pool, batch.tenantId, batch.id, { now: later(2000) });
      if (shown!.state !== BatchState.CANCELED || shown!.settled) continue;
      await cancelWaiting(pool, { now: later(3000), limit: 10 });
      await foldCounts(pool, { now: later(3000), limit: 1000 });
    }
    const steps = seen.map(({ state, settled, pause }) => `${state} ${settled} ${pause?.code} ${pause?.reason}`);
    expect([...new Set(steps)]).toEqual([
      `${BatchState.RUNNING} false undefined undefined`,
      `${BatchState.PAUSED} false 63027 no such template`,
      `${BatchState.CANCELED} false undefined undefined`,
      `${BatchState.CANCELED} true undefined undefined`,
    ]);
    expect(seen.at(-1)!.counts).toMatchObject([{ status: MessageStatus.CANCELED, count: 2 }]);
    expect(timestampDate(seen.at(-1)!.canceledAt!)).toEqual(later(2000));
  });

  test("is looked at once for two hundred watchers, who all hear of its end", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 2 });
    const started = Promise.withResolvers<void>();
    let watching = 0;
    const watchers = Array.from({ length: 200 }, async () => {
      let last: Batch | undefined;
      for await (const { batch: shown } of status.watchBatch({ batchId: batch.id }, call)) {
        if (last === undefined && ++watching === 200) started.resolve();
        last = shown;
      }
      return last?.settledAt !== undefined;
    });
    await started.promise;
    // One more than there is room for.
    const more = status.watchBatch({ batchId: batch.id }, call)[Symbol.asyncIterator]().next();
    await expect(more).rejects.toMatchObject({ kind: "limited", retryAfterMs: 1_000 });
    await send(batch, 0);
    await foldCounts(db.store.pool, { now: later(3000), limit: 1000 });
    expect(await Promise.all(watchers)).toEqual(watchers.map(() => true));
    const again = status.watchBatch({ batchId: batch.id }, call)[Symbol.asyncIterator]();
    expect((await again.next()).done).toBe(false);
    await again.return?.();
  });

  test("can be watched for a while only", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 1 });
    for await (const { batch: shown } of status.watchBatch({ batchId: batch.id }, call)) {
      expect(shown!.total).toBe(1);
      break;
    }
    await expect(async () => {
      for await (const _ of status.watchBatch({ batchId: batch.id }, { ...call, deadlineMs: 200 }));
    }).rejects.toMatchObject({ kind: "unavailable" });
  });
});

describe("a refusal", () => {
  test.each([
    ["an id that does not exist", () => status.getMessage({ messageId: randomUUID() }, call), { kind: "not_found" }],
    ["a batch that does not exist", () => status.getBatch({ batchId: randomUUID() }, call), { kind: "not_found" }],
    [
      "a list of a batch that does not exist",
      () => status.listMessages({ batchId: randomUUID() }, call),
      { kind: "not_found" },
    ],
    [
      "something that is no id",
      () => status.getMessage({ messageId: "42" }, call),
      { kind: "invalid", violations: [{ field: "message_id" }] },
    ],
    [
      "a page size out of bounds",
      () => status.listMessages({ batchId: randomUUID(), pageSize: 1001 }, call),
      { kind: "invalid", violations: [{ field: "page_size" }] },
    ],
    [
      "a page token of somewhere else",
      () => status.listMessages({ batchId: randomUUID(), pageToken: "abc" }, call),
      { kind: "invalid", violations: [{ field: "page_token" }] },
    ],
    [
      "a status that does not exist",
      () => status.listMessages({ batchId: randomUUID(), statuses: [0] }, call),
      { kind: "invalid" },
    ],
    ["no key", () => status.getBatch({ batchId: randomUUID() }), { kind: "unauthenticated" }],
    [
      "a wrong key",
      () => status.getBatch({ batchId: randomUUID() }, { authorization: "Bearer nobody" }),
      { kind: "unauthenticated" },
    ],
  ])("of %s says so", async (_case, ask, refusal) => {
    await expect(ask()).rejects.toMatchObject(refusal);
  });

  test("of another tenant's things looks as if they did not exist", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 1 });
    const stranger = randomUUID();
    const strangerKey = `key-${randomUUID()}`;
    await db.store.pool.query(
      "insert into tenant (id, name, recipient_hash_key, created_at) values ($1, 'stranger', 'x', now())",
      [stranger],
    );
    await db.store.pool.query(
      `insert into api_key (id, tenant_id, name, key_hash, created_at)
       values ($1, $2, 'key', sha256(convert_to($3, 'utf8')), now())`,
      [randomUUID(), stranger, strangerKey],
    );
    const as = { authorization: `Bearer ${strangerKey}` };
    const refused = { kind: "not_found" };
    await expect(status.getBatch({ batchId: batch.id }, as)).rejects.toMatchObject(refused);
    await expect(status.getMessage({ messageId: batch.messageIds[0]! }, as)).rejects.toMatchObject(refused);
    await expect(status.listMessages({ batchId: batch.id }, as)).rejects.toMatchObject(refused);
  });

  test("to start comes where nobody could call", async () => {
    const empty = await createTestDatabase();
    try {
      const keyless = createStatusQuery(loadConfig(config, settings(empty.databaseUrl)));
      await expect(keyless.start()).rejects.toThrow("BOOTSTRAP_API_KEY");
    } finally {
      await empty.drop();
    }
  });
});
