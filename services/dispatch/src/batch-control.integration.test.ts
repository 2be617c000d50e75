import { randomBytes, randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate, type TimestampSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { BatchState, DispatchService, MessageStatus, type BulkSendStreamRequestSchema } from "@wahub/proto";
import { createTestDatabase, readBalance, watchRows, type TestDatabase } from "@wahub/store/testing";
import { createDispatch } from "./app.ts";
import { config } from "./config.ts";

const apiKey = `key-${randomUUID()}`;
const call = { authorization: `Bearer ${apiKey}` };
const day = 86_400_000;
const started = Date.now();
const { ACCEPTED, QUEUED, CANCELED, EXPIRED } = MessageStatus;
let now = started;
let db: TestDatabase;
let app: App;
let dispatch: ReturnType<typeof connect>;

const connect = (port: number) => createGrpcClient(DispatchService, `127.0.0.1:${port}`);

// No sender service: what is planned stays queued.
beforeAll(async () => {
  db = await createTestDatabase();
  const settings = {
    HOST: "127.0.0.1",
    GRPC_PORT: "0",
    ADMIN_PORT: "0",
    LOG_LEVEL: "silent",
    DATABASE_URL: db.databaseUrl,
    REDIS_URL: process.env["TEST_REDIS_URL"]!,
    REDIS_PREFIX: `test-${randomBytes(6).toString("hex")}`,
    BOOTSTRAP_API_KEY: apiKey,
    TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`,
    TWILIO_WHATSAPP_FROM: "+15005550006",
    SENDER_MESSAGES_PER_SECOND: "20",
  };
  app = createDispatch(loadConfig(config, settings), { now: () => new Date(now) });
  await app.start();
  dispatch = connect(app.ports()["grpc"]!);
});
afterAll(async () => {
  dispatch?.close();
  await app?.stop();
  await db?.drop();
});

const content = { kind: { case: "text", value: { body: "Hello" } } } as const;
const phones = (count: number) => Array.from({ length: count }, (_, i) => ({ phone: `+1212${String(2_000_000 + i)}` }));
const send = (
  request: {
    idempotencyKey?: string;
    recipients?: { phone: string }[];
    expiresAt?: MessageInitShape<typeof TimestampSchema>;
  } = {},
) => dispatch.bulkSend({ content, recipients: phones(50), ...request }, call);
const stored = async (batchId: string) => (await readBalance(db.store, batchId)).stored;
/** Resolves when the batch has so many messages in the status; the loops bring them there. */
async function untilStored(batchId: string, status: MessageStatus, count: number): Promise<void> {
  while ((await stored(batchId))[status] !== count) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("a batch that is paused", () => {
  test("says why, keeps its messages, and goes on when it is resumed", async () => {
    const { batchId } = await send();
    await untilStored(batchId, QUEUED, 20);
    const { batch } = await dispatch.pauseBatch({ batchId: batchId.toUpperCase(), reason: " wrong text " }, call);
    expect(batch).toMatchObject({ id: batchId, state: BatchState.PAUSED, pause: { code: 0, reason: "wrong text" } });
    expect(timestampDate(batch!.pause!.at!)).toEqual(new Date(now));
    expect(batch!.counts).toMatchObject([{ status: ACCEPTED, count: 50 }]);

    const again = await dispatch.pauseBatch({ batchId, reason: "another" }, call);
    expect(again.batch).toEqual(batch);
    expect((await dispatch.resumeBatch({ batchId }, call)).batch).toMatchObject({ state: BatchState.RUNNING });
    expect((await dispatch.resumeBatch({ batchId }, call)).batch).toMatchObject({ state: BatchState.RUNNING });
    await untilStored(batchId, QUEUED, 20);
    await dispatch.cancelBatch({ batchId }, call);
  });

  test("without a reason has one all the same", async () => {
    const { batchId } = await send();
    const { batch } = await dispatch.pauseBatch({ batchId }, call);
    expect(batch!.pause!.reason).toBe("paused by a caller");
    await dispatch.cancelBatch({ batchId }, call);
  });
});

describe("a batch that is canceled", () => {
  test("ends with nothing sent, and calling again answers the same", async () => {
    const { batchId } = await send();
    const settled = await watchRows(db.store, "batch", `new.id = '${batchId}' and new.settled_at is not null`);
    const { batch } = await dispatch.cancelBatch({ batchId }, call);
    expect(batch).toMatchObject({ state: BatchState.CANCELED, settled: false });
    await settled.seen;
    const after = (await dispatch.cancelBatch({ batchId }, call)).batch!;
    expect(after).toMatchObject({ state: BatchState.CANCELED, counts: [{ status: CANCELED, count: 50 }] });
    expect([after.canceledAt, after.completedAt].map((time) => timestampDate(time!))).toEqual([
      new Date(now),
      new Date(now),
    ]);
  });

  test("is final", async () => {
    const { batchId } = await send();
    await dispatch.cancelBatch({ batchId }, call);
    const message = `batch ${batchId} was canceled, which is final: send what is still wanted as a new batch`;
    for (const act of ["pauseBatch", "resumeBatch"] as const) {
      await expect(dispatch[act]({ batchId }, call)).rejects.toMatchObject({ kind: "not_now", message });
    }
  });

  test("is still the answer to the call that made it", async () => {
    const request = { idempotencyKey: randomUUID() };
    const first = await send(request);
    await dispatch.cancelBatch({ batchId: first.batchId }, call);
    expect(await send(request)).toEqual(first);
  });
});

describe("a batch that cannot be changed", () => {
  const acts = ["pauseBatch", "resumeBatch", "cancelBatch"] as const;

  test("because it is still being stored: nothing of it is sent anyway", async () => {
    const accepting = await watchRows(db.store, "batch", `new.state = ${BatchState.ACCEPTING}`);
    const released = Promise.withResolvers<void>();
    const parts = async function* (): AsyncGenerator<MessageInitShape<typeof BulkSendStreamRequestSchema>> {
      yield { part: { case: "header", value: { content } } };
      yield { part: { case: "recipients", value: { recipients: phones(2) } } };
      await released.promise;
    };
    const sending = dispatch.bulkSendStream(parts(), call);
    await accepting.seen;
    const { rows } = await db.store.pool.query<{ id: string }>("select id from batch where state = $1", [
      BatchState.ACCEPTING,
    ]);
    for (const act of acts) {
      const refused = dispatch[act]({ batchId: rows[0]!.id }, call);
      await expect(refused).rejects.toMatchObject({ kind: "not_now" });
      await expect(refused).rejects.toThrow("is still being stored and nothing of it is sent: end its stream first");
    }
    released.resolve();
    const { batchId } = await sending;
    expect((await dispatch.cancelBatch({ batchId }, call)).batch!.state).toBe(BatchState.CANCELED);
  });

  test("because it is completed", async () => {
    const { batchId } = await send();
    await dispatch.pauseBatch({ batchId }, call);
    await db.store.pool.query("update batch set state = $2 where id = $1", [batchId, BatchState.COMPLETED]);
    for (const act of acts) {
      await expect(dispatch[act]({ batchId }, call)).rejects.toMatchObject({
        kind: "not_now",
        message: `batch ${batchId} is completed: none of its messages waits any more`,
      });
    }
  });

  test("because there is none", async () => {
    const batchId = randomUUID();
    for (const act of acts) {
      await expect(dispatch[act]({ batchId }, call)).rejects.toMatchObject({
        kind: "not_found",
        message: `batch ${batchId} not found`,
      });
    }
  });
});

describe("a batch with a time", () => {
  const at = (ms: number) => timestampFromDate(new Date(ms));

  test("is not sent after it, and its key still finds it", async () => {
    const request = { idempotencyKey: randomUUID(), expiresAt: at(now + day) };
    const first = await send(request);
    await untilStored(first.batchId, QUEUED, 20);
    now += day;
    try {
      await untilStored(first.batchId, EXPIRED, 50);
      expect(await send(request)).toEqual(first);
      await expect(send({ ...request, expiresAt: at(now + 1) })).rejects.toMatchObject({ kind: "conflict" });
      await expect(send({ ...request, idempotencyKey: randomUUID() })).rejects.toMatchObject({ kind: "invalid" });
    } finally {
      now -= day;
    }
  });

  test("has another content than one without", async () => {
    const request = { idempotencyKey: randomUUID(), recipients: phones(1) };
    const { batchId } = await send(request);
    await expect(send({ ...request, expiresAt: at(now + day) })).rejects.toMatchObject({ kind: "conflict" });
    await dispatch.cancelBatch({ batchId }, call);
  });

  test.each([
    ["now", 0, "must be in the future"],
    ["long ago", -1e12, "must be in the future"],
    ["in 36 days", 36 * day, "must be at most 35 days ahead"],
  ])("is refused with one %s, by stream or not, and nothing is stored", async (_name, ahead, reason) => {
    const expiresAt = at(now + ahead);
    const idempotencyKey = randomUUID();
    const refusal = { kind: "invalid", violations: [{ field: "expires_at", reason }] };
    const parts = async function* (): AsyncGenerator<MessageInitShape<typeof BulkSendStreamRequestSchema>> {
      yield { part: { case: "header", value: { content, idempotencyKey, expiresAt } } };
      yield { part: { case: "recipients", value: { recipients: phones(2) } } };
    };
    await expect(send({ idempotencyKey, expiresAt })).rejects.toMatchObject(refusal);
    await expect(dispatch.bulkSendStream(parts(), call)).rejects.toMatchObject(refusal);
    const { rowCount } = await db.store.pool.query("select from batch where idempotency_key = $1", [idempotencyKey]);
    expect(rowCount).toBe(0);
  });

  test("given to a stream counts as well", async () => {
    const parts = async function* (): AsyncGenerator<MessageInitShape<typeof BulkSendStreamRequestSchema>> {
      yield { part: { case: "header", value: { content, expiresAt: at(now + 35 * day) } } };
      yield { part: { case: "recipients", value: { recipients: phones(2) } } };
    };
    const { batchId } = await dispatch.bulkSendStream(parts(), call);
    const { batch } = await dispatch.pauseBatch({ batchId }, call);
    expect(timestampDate(batch!.expiresAt!)).toEqual(new Date(now + 35 * day));
  });
});
