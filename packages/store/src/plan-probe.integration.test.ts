import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { claimMessages, type Claim } from "./claim-messages.ts";
import { failProbe } from "./fail-probe.ts";
import { passProbe } from "./pass-probe.ts";
import { pauseSending } from "./pause-sending.ts";
import { planSender } from "./plan-messages.ts";
import type { PlannedMessage } from "./planned-message.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import { reofferQueued } from "./reoffer-queued.ts";
import { resumeSending } from "./resume-sending.ts";
import { sendersWithWork } from "./senders-with-work.ts";
import type { ScopeId, SendingScope } from "./sending-scope.ts";
import {
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);
const waits = { firstMs: 1_000, maxMs: 60_000 };
const due = later(1_000);
const lostAfter = later(1_000 + 30_000);
let db: TestDatabase;
let batch: SampleBatch;

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 10 });
});
afterEach(() => db.drop());

const scopeId = (scope: SendingScope): ScopeId => ({
  scope,
  tenantId: batch.tenantId,
  id: scope === "account" ? batch.accountId : batch.senderId,
});
const pause = (scope: SendingScope) =>
  pauseSending(db.store.pool, scopeId(scope), { code: 20003, reason: "wrong credentials", now, waits });
const plan = (at: Date, senderId = batch.senderId) =>
  planSender(db.store.pool, senderId, { now: at, horizonMs: 1_000 });
const claim = (messages: readonly PlannedMessage[], at: Date): Promise<(Claim | undefined)[]> =>
  claimMessages(
    db.store.pool,
    messages.map(({ tenantId, messageId, attempt }) => ({ tenantId, messageId, attempt, token: randomUUID() })),
    { now: at, leaseMs: 60_000 },
  );
const states = async (table: SendingScope) =>
  (await db.store.pool.query(`select state, probe_message_id, probe_at from ${table} order by id`)).rows;

/** A second number of the same account, with a batch of its own. */
async function storeSecondSender(recipients: number): Promise<SampleBatch> {
  const other = await storeSampleBatch(db.store, { createdAt: later(1), recipients });
  const senderId = randomUUID();
  await db.store.pool.query(
    `insert into sender (id, tenant_id, account_id, phone, created_at) values ($1, $2, $3, '+14155550101', $4)`,
    [senderId, other.tenantId, other.accountId, later(1)],
  );
  await db.store.pool.query("update batch set sender_id = $1 where id = $2", [senderId, other.id]);
  await db.store.pool.query("update message set sender_id = $1 where batch_id = $2", [senderId, other.id]);
  return { ...other, senderId };
}

describe.each<SendingScope>(["account", "sender"])("a paused %s", (scope) => {
  test("hands out nothing until it is time, and then exactly one message, however many replicas plan", async () => {
    await pause(scope);
    expect(await sendersWithWork(db.store.pool, later(999))).toEqual([]);
    expect(await plan(later(999))).toEqual([]);
    expect(await sendersWithWork(db.store.pool, due)).toEqual([batch.senderId]);
    const rounds = await Promise.all(Array.from({ length: 8 }, () => plan(due)));
    const [probe, ...others] = rounds.flat();
    expect(others).toEqual([]);
    expect(await states(scope)).toEqual([{ state: 3, probe_message_id: probe!.messageId, probe_at: lostAfter }]);
    expect(await plan(later(20_000))).toEqual([]);
  });

  test("lets the one message through, even where others were queued before, and goes on when it has got through", async () => {
    const queued = await plan(now);
    await pause(scope);
    expect(await claim(queued, now)).toEqual(queued.map(() => undefined));
    const [probe] = await plan(due);
    const granted = (await claim(queued, due)).filter((answer) => answer !== undefined);
    expect(granted).toMatchObject([{ messageId: probe!.messageId, triesFor: [scope] }]);

    await passProbe(db.store.pool, scopeId(scope), { messageId: probe!.messageId, now: later(2_000) });
    // The others' claims were refused; nothing tells them apart from those whose jobs still wait.
    const options = { now: later(2_100), queuedBefore: now, limit: 100 };
    const again = await reofferQueued(db.store.pool, batch.senderId, options);
    expect(again.map((m) => m.messageId).toSorted()).toEqual(
      queued
        .map((m) => m.messageId)
        .filter((id) => id !== probe!.messageId)
        .toSorted(),
    );
    expect((await claim(again, later(2_100))).every(Boolean)).toBe(true);
    expect(await reofferQueued(db.store.pool, batch.senderId, { ...options, now: later(2_200) })).toEqual([]);
  });

  test("tries another message each time, so that one bad recipient does not keep it paused", async () => {
    await pause(scope);
    const tried: string[] = [];
    for (let n = 0; n < 3; n++) {
      const at = later(100_000 * (n + 1));
      const [probe] = await plan(at);
      const [granted] = await claim([probe!], at);
      tried.push(probe!.messageId);
      const { tenantId, messageId, attempt, token } = granted!;
      await failProbe(db.store.pool, scopeId(scope), { messageId, lengthen: true, now: at, waits });
      const back = { status: MessageStatus.ACCEPTED, nextAt: at, spendsTry: false, errorCode: 21606, errorMessage: "" };
      await recordOutcomes(db.store.pool, [{ tenantId, messageId, attempt, token, result: back }], at);
    }
    expect(new Set(tried).size).toBe(3);
    expect(await readBalance(db.store, batch.id)).toMatchObject({ counted: { 1: 10 }, stored: { 1: 10 } });
  });

  test("has its one message offered again when the job seems lost, and no other", async () => {
    await plan(now);
    await pause(scope);
    const [probe] = await plan(due);
    const offered = await reofferQueued(db.store.pool, batch.senderId, {
      now: later(20_000),
      queuedBefore: later(5_000),
      limit: 100,
    });
    expect(offered.map((m) => m.messageId)).toEqual([probe!.messageId]);
  });

  test("tries again after a bound when nothing is heard of its message, which then is refused", async () => {
    await pause(scope);
    const [first] = await plan(due);
    const second = (await Promise.all(Array.from({ length: 5 }, () => plan(lostAfter)))).flat();
    expect(second).toHaveLength(1);
    const [row] = await states(scope);
    expect(row).toMatchObject({ state: 3, probe_message_id: second[0]!.messageId });
    const claims = await Promise.all([claim([first!], lostAfter), claim(second, lostAfter)]);
    expect(claims.flat().filter(Boolean)).toHaveLength(1);
    const { counted, stored } = await readBalance(db.store, batch.id);
    expect(counted).toEqual(stored);
  });

  test("waits for a message that is on its way, however long that takes", async () => {
    await pause(scope);
    const probe = await plan(due);
    await claim(probe, due);
    expect(await plan(later(600_000))).toEqual([]);
    await db.store.pool.query("update message set status = 4 where id = $1", [probe[0]!.messageId]);
    expect(await plan(later(600_000))).toHaveLength(1);
  });

  test("that a person paused is not tried for", async () => {
    await db.store.pool.query(`update ${scope} set state = 2`);
    expect(await sendersWithWork(db.store.pool, later(1e9))).toEqual([]);
    expect(await plan(later(1e9))).toEqual([]);
  });

  test("stays paused where it has nothing to try with, and tries with the first message that comes", async () => {
    await db.store.pool.query("update message set next_at = $1", [later(3_600_000)]);
    await pause(scope);
    expect(await plan(due)).toEqual([]);
    expect(await states(scope)).toMatchObject([{ state: 2 }]);
    const fresh = await storeSampleBatch(db.store, { createdAt: later(2_000), recipients: 3 });
    const [probe] = await plan(later(3_000));
    expect(fresh.messageIds).toContain(probe!.messageId);
  });
});

describe("an account with several senders", () => {
  test("is tried for by one of them; the others wait, and go on with it", async () => {
    const other = await storeSecondSender(5);
    await pause("account");
    const senderIds = await sendersWithWork(db.store.pool, due);
    expect(senderIds.toSorted()).toEqual([batch.senderId, other.senderId].toSorted());
    const rounds = await Promise.all([0, 1, 2, 3].flatMap(() => senderIds.map((id) => plan(due, id))));
    expect(rounds.flat()).toHaveLength(1);
    const { messageId } = rounds.flat()[0]!;
    await passProbe(db.store.pool, scopeId("account"), { messageId, now: later(2_000) });
    expect(await plan(later(2_000), batch.senderId)).not.toEqual([]);
    expect(await plan(later(2_000), other.senderId)).not.toEqual([]);
  });

  test("is not tried for by one that is paused itself", async () => {
    const other = await storeSecondSender(5);
    await pause("account");
    await db.store.pool.query("update sender set state = 2 where id = $1", [batch.senderId]);
    expect(await plan(due, batch.senderId)).toEqual([]);
    expect(await plan(due, other.senderId)).toMatchObject([{ senderId: other.senderId }]);
  });

  test("goes on where one of them is paused", async () => {
    const other = await storeSecondSender(5);
    await pause("sender");
    expect(await sendersWithWork(db.store.pool, now)).toEqual([other.senderId]);
    expect(await plan(later(1), other.senderId)).toHaveLength(5);
  });

  test("and its sender, both paused, are tried for by the same message", async () => {
    await pause("account");
    await pause("sender");
    const [probe, ...others] = await plan(due);
    expect(others).toEqual([]);
    expect(await claim([probe!], due)).toMatchObject([{ triesFor: ["sender", "account"] }]);
  });
});

describe("a lost message that tried", () => {
  test("and was taken up at the last moment is the only one: claim and planner do not both go on", async () => {
    for (let n = 0; n < 20; n++) {
      await resumeSending(db.store.pool, scopeId("account"), { now });
      await db.store.pool.query("update message set status = 1, attempt = 0, next_at = $1, claim_token = null", [now]);
      await pause("account");
      const first = await plan(due);
      const [claims, second] = await Promise.all([claim(first, lostAfter), plan(lostAfter)]);
      const late = await claim(second, lostAfter);
      expect([...claims, ...late].filter(Boolean)).toHaveLength(1);
    }
  });
});
