import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import {
  BatchState,
  DispatchService,
  EventSource,
  MessageStatus,
  UnknownPolicy,
  UnknownResolution,
} from "@wahub/proto";
import { readBatch, readMessage, readTimeline, recordOutcomes } from "@wahub/store";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "@wahub/store/testing";
import { createDispatch } from "./app.ts";
import { config } from "./config.ts";

const { ACCEPTED, UNKNOWN, SUBMITTED } = MessageStatus;
const { ASSUME_SENT, SEND_AGAIN } = UnknownResolution;
const apiKey = `key-${randomUUID()}`;
const call = { authorization: `Bearer ${apiKey}` };
let db: TestDatabase;
let app: App;
let dispatch: ReturnType<typeof connect>;

beforeAll(async () => {
  db = await createTestDatabase();
  app = createDispatch(
    loadConfig(config, {
      HOST: "127.0.0.1",
      GRPC_PORT: "0",
      ADMIN_PORT: "0",
      LOG_LEVEL: "silent",
      DATABASE_URL: db.databaseUrl,
      REDIS_URL: process.env["TEST_REDIS_URL"]!,
      REDIS_PREFIX: `test-${randomBytes(6).toString("hex")}`,
      BOOTSTRAP_API_KEY: apiKey,
      PLAN_EVERY_MS: "60000", // nothing leaves the status it is given here
    }),
  );
  await app.start();
  dispatch = connect(app.ports()["grpc"]!);
});
afterAll(async () => {
  dispatch?.close();
  await app?.stop();
  await db?.drop();
});

const connect = (port: number) => createGrpcClient(DispatchService, `127.0.0.1:${port}`);

/** A batch with messages of which nobody can say whether Twilio took them; all but the last are held. */
async function unknownBatch(recipients: number): Promise<SampleBatch> {
  const now = new Date();
  const batch = await storeSampleBatch(db.store, { createdAt: now, recipients, unknownPolicy: UnknownPolicy.HOLD });
  const claims = await claimAll(db.store, batch, now);
  const result = { status: UNKNOWN, errorMessage: "timeout" } as const;
  await recordOutcomes(
    db.store.pool,
    claims.map((claim) => ({ ...claim, result })),
    now,
  );
  await db.store.pool.query("update message set reconcile_at = null where id = any($1)", [
    batch.messageIds.slice(0, -1),
  ]);
  await db.store.pool.query("update message set reconcile_at = now() where id = $1", [batch.messageIds.at(-1)]);
  return batch;
}

const read = (batch: SampleBatch, n: number) =>
  readMessage(db.store.pool, batch.tenantId, batch.messageIds[n]!).then((message) => message!);

async function expectBalance(batch: SampleBatch, stored: Readonly<Record<string, number>>): Promise<void> {
  const balance = await readBalance(db.store, batch.id);
  expect(balance).toMatchObject({ counted: balance.stored, stored });
}

describe("ResolveUnknown", () => {
  test("counts held messages as sent, apart from the others, and once", async () => {
    const batch = await unknownBatch(4);
    const request = { batchId: batch.id, resolution: ASSUME_SENT };
    expect(await dispatch.resolveUnknown({ ...request, messageIds: [batch.messageIds[1]!] }, call)).toMatchObject({
      resolvedCount: 1,
    });
    expect(await dispatch.resolveUnknown(request, call)).toMatchObject({ resolvedCount: 2 });
    expect(await dispatch.resolveUnknown(request, call)).toMatchObject({ resolvedCount: 0 });

    expect(await read(batch, 1)).toMatchObject({
      status: SUBMITTED,
      evidence: EventSource.ASSUMED,
      twilioSid: undefined,
      submittedAt: undefined,
    });
    expect(await read(batch, 3)).toMatchObject({ status: UNKNOWN });
    const timeline = await readTimeline(db.store.pool, batch.tenantId, batch.messageIds[1]!);
    expect(timeline.at(-1)).toMatchObject({ status: SUBMITTED, source: EventSource.ASSUMED, attempt: 1 });
    expect(await readBatch(db.store.pool, batch.tenantId, batch.id)).toMatchObject({
      unknownPolicy: UnknownPolicy.HOLD,
      assumedCount: 3,
    });
    await expectBalance(batch, { [UNKNOWN]: 1, [SUBMITTED]: 3 });
  });

  test("sends held messages again, as a new attempt that remembers the one of which nobody knows", async () => {
    const batch = await unknownBatch(3);
    const request = { batchId: batch.id.toUpperCase(), resolution: SEND_AGAIN };
    expect(await dispatch.resolveUnknown(request, call)).toMatchObject({ resolvedCount: 2 });
    expect(await dispatch.resolveUnknown(request, call)).toMatchObject({ resolvedCount: 0 });
    expect(await read(batch, 0)).toMatchObject({ status: ACCEPTED, attempt: 1, evidence: 0 });
    const { rows } = await db.store.pool.query(
      "select attempt, error_message, recipient_key, lease_until is not null as leased from message_attempt where message_id = $1",
      [batch.messageIds[0]],
    );
    expect(rows).toEqual([
      { attempt: 1, error_message: "unknown", recipient_key: (await read(batch, 0)).recipient, leased: true },
    ]);
    await expectBalance(batch, { [ACCEPTED]: 2, [UNKNOWN]: 1 });
    const again = await claimAll(db.store, batch, new Date());
    expect(again.map((claim) => claim.attempt)).toEqual([2, 2]);
  });

  test("sends nothing again of a canceled batch, and leaves its say to the others", async () => {
    const batch = await unknownBatch(2);
    await db.store.pool.query("update batch set state = $2 where id = $1", [batch.id, BatchState.CANCELED]);
    const again = dispatch.resolveUnknown({ batchId: batch.id, resolution: SEND_AGAIN }, call);
    await expect(again).rejects.toMatchObject({ kind: "not_now" });
    const assumed = await dispatch.resolveUnknown({ batchId: batch.id, resolution: ASSUME_SENT }, call);
    expect(assumed).toMatchObject({ resolvedCount: 1 });
    await expectBalance(batch, { [UNKNOWN]: 1, [SUBMITTED]: 1 });
  });

  test("knows no batch of somebody else", async () => {
    const batch = await unknownBatch(2);
    const tenant = randomUUID();
    await db.store.pool.query(
      "insert into tenant (id, name, recipient_hash_key, created_at) values ($1, $2, '', now())",
      [tenant, tenant],
    );
    await db.store.pool.query("update batch set tenant_id = $2 where id = $1", [batch.id, tenant]);
    const resolved = dispatch.resolveUnknown({ batchId: batch.id, resolution: ASSUME_SENT }, call);
    await expect(resolved).rejects.toMatchObject({ kind: "not_found" });
  });

  test("is refused without a decision", async () => {
    await expect(dispatch.resolveUnknown({ batchId: randomUUID() }, call)).rejects.toMatchObject({ kind: "invalid" });
  });
});

describe("the policy for unknown outcomes", () => {
  const content = { kind: { case: "text", value: { body: "Hello" } } } as const;
  const recipients = [{ phone: "+12125550123" }];
  const stored = async (batchId: string) =>
    (await db.store.pool.query("select unknown_policy, validity_s from batch where id = $1", [batchId])).rows[0];

  beforeAll(() => storeSampleBatch(db.store, { createdAt: new Date(), recipients: 1 })); // declares a sender

  test.each([
    [UnknownPolicy.UNSPECIFIED, { unknown_policy: UnknownPolicy.ASSUME_SENT, validity_s: null }],
    [UnknownPolicy.ASSUME_SENT, { unknown_policy: UnknownPolicy.ASSUME_SENT, validity_s: null }],
    [UnknownPolicy.RESEND, { unknown_policy: UnknownPolicy.RESEND, validity_s: 900 }],
    [UnknownPolicy.HOLD, { unknown_policy: UnknownPolicy.HOLD, validity_s: null }],
  ])("%s is kept with the batch", async (unknownPolicy, row) => {
    const { batchId } = await dispatch.bulkSend({ content, recipients, unknownPolicy }, call);
    expect(await stored(batchId)).toEqual(row);
  });

  test("is part of what an idempotency key stands for; none is the default", async () => {
    const request = { idempotencyKey: randomUUID(), content, recipients };
    const { batchId } = await dispatch.bulkSend(request, call);
    const same = await dispatch.bulkSend({ ...request, unknownPolicy: UnknownPolicy.ASSUME_SENT }, call);
    expect(same.batchId).toBe(batchId);
    const other = dispatch.bulkSend({ ...request, unknownPolicy: UnknownPolicy.RESEND }, call);
    await expect(other).rejects.toMatchObject({ kind: "conflict" });
  });

  test("comes with the header of a stream", async () => {
    async function* parts() {
      yield { part: { case: "header", value: { content, unknownPolicy: UnknownPolicy.RESEND } } } as const;
      yield { part: { case: "recipients", value: { recipients } } } as const;
    }
    const { batchId } = await dispatch.bulkSendStream(parts(), call);
    expect(await stored(batchId)).toEqual({ unknown_policy: UnknownPolicy.RESEND, validity_s: 900 });
  });
});
