import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { EventSource, MessageStatus } from "@wahub/proto";
import { applyCallbacks, type StatusCallback } from "./apply-callbacks.ts";
import type { Claim } from "./claim-messages.ts";
import { foldCounts } from "./fold-counts.ts";
import { readTimeline } from "./read-message.ts";
import { recordOutcomes, type AttemptOutcome } from "./record-outcomes.ts";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  sampleSender,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const { ACCEPTED, QUEUED, UNKNOWN, SUBMITTED, SENT, CANCELED, UNDELIVERED, FAILED, DELIVERED, READ, EXPIRED } =
  MessageStatus;

const start = new Date("2026-03-02T12:00:00Z");
const at = (seconds: number): Date => new Date(start.getTime() + seconds * 1000);
const parkUntil = at(7 * 86_400);
let nextSid = 1;
const newSid = (): string => `SM${(nextSid++).toString(16).padStart(32, "0")}`;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ now: start });
});
afterAll(() => db.drop());

/** A message in its n-th attempt, the ones before closed without a trace of Twilio. */
interface Tried {
  readonly batch: SampleBatch;
  readonly id: string;
  /** One per attempt. */
  readonly claims: readonly Claim[];
}

const back = { status: ACCEPTED, nextAt: start, spendsTry: false, errorCode: 0, errorMessage: "refused" } as const;

async function tried(attempts: number): Promise<Tried> {
  const batch = await storeSampleBatch(db.store, { createdAt: start, recipients: 1 });
  const [id] = batch.messageIds as [string];
  const claims: Claim[] = [];
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const [claim] = await claimAll(db.store, batch, start);
    if (attempt < attempts) await record({ ...claim!, result: back });
    claims.push(claim!);
  }
  return { batch, id, claims };
}

const record = (outcome: AttemptOutcome) => recordOutcomes(db.store.pool, [outcome], at(1));
const apply = (...callbacks: StatusCallback[]) => applyCallbacks(db.store.pool, callbacks, parkUntil);

function said(id: string, attempt: number, messageSid: string, status: MessageStatus): StatusCallback {
  const errorCode = status === FAILED || status === UNDELIVERED ? 63016 : 0;
  const errorMessage = errorCode === 0 ? "" : "outside the window";
  const facts = { attempt, messageSid, status, errorCode, errorMessage, receivedAt: at(status), detail: { status } };
  return { ...facts, accountSid: sampleSender.accountSid, messageId: id };
}

const set = (id: string, change: string) => db.store.pool.query(`update message set ${change} where id = $1`, [id]);

async function row(id: string): Promise<Record<string, unknown>> {
  const { rows } = await db.store.pool.query<Record<string, unknown>>("select * from message where id = $1", [id]);
  return rows[0]!;
}

async function closedSids(id: string): Promise<(string | null)[]> {
  const { rows } = await db.store.pool.query<{ twilio_sid: string | null }>(
    "select twilio_sid from message_attempt where message_id = $1 order by attempt",
    [id],
  );
  return rows.map((closed) => closed.twilio_sid);
}

async function duplicateSids(id: string): Promise<string[]> {
  const { rows } = await db.store.pool.query<{ twilio_sid: string }>(
    "select twilio_sid from duplicate_sid where message_id = $1 order by 1",
    [id],
  );
  return rows.map((duplicate) => duplicate.twilio_sid);
}

async function expectBalance({ batch }: Tried): Promise<void> {
  const { total, counted, stored } = await readBalance(db.store, batch.id);
  expect(counted).toEqual(stored);
  expect(Object.values(stored).reduce((sum, n) => sum + n, 0)).toBe(total);
}

describe("evidence of a closed attempt", () => {
  test.each([
    ["for a rate limit", ACCEPTED],
    ["in a sender's queue", QUEUED],
  ])("takes a message that waits %s out of it: nothing is sent again", async (_where, status) => {
    const message = await tried(2);
    await record({ ...message.claims[1]!, result: back });
    await db.store.pool.query("delete from batch_count_delta where batch_id = $1", [message.batch.id]);
    await db.store.pool.query(
      `insert into batch_count_delta (tenant_id, batch_id, status, error_code, n) values ($1, $2, $3, 0, 1)`,
      [message.batch.tenantId, message.batch.id, status],
    );
    await set(message.id, `status = ${status}`);
    const sid = newSid();
    expect(await apply(said(message.id, 1, sid, SENT))).toEqual(["applied"]);
    expect(await row(message.id)).toMatchObject({ status: SENT, twilio_sid: sid, attempt: 2, evidence: 3 });
    expect(await closedSids(message.id)).toEqual([sid, null]);
    expect(await claimAll(db.store, message.batch, at(10))).toEqual([]);
    await expectBalance(message);
  });

  test("moves the message out of a later guess", async () => {
    const message = await tried(2);
    await record({ ...message.claims[1]!, result: { status: UNKNOWN, errorMessage: "timeout" } });
    const sid = newSid();
    expect(await apply(said(message.id, 1, sid, DELIVERED))).toEqual(["applied"]);
    expect(await row(message.id)).toMatchObject({
      status: DELIVERED,
      twilio_sid: sid,
      error_message: "",
      reconcile_at: null,
      lease_until: null,
    });
    await expectBalance(message);
  });

  test("stops the next attempt where a refusal would have led to it", async () => {
    const message = await tried(2);
    const sid = newSid();
    await apply(said(message.id, 1, sid, SENT));
    expect(await record({ ...message.claims[1]!, result: back })).toEqual(["applied"]);
    expect(await row(message.id)).toMatchObject({ status: SENT, twilio_sid: sid, claim_token: null });
    expect(await closedSids(message.id)).toEqual([sid, null]);
    await expectBalance(message);
  });

  test("beside that of the next one is a duplicate, once, and the best of both is the message's status", async () => {
    const message = await tried(2);
    const [first, second] = [newSid(), newSid()];
    await record({ ...message.claims[1]!, result: { status: SUBMITTED, sid: second } });
    expect(await apply(said(message.id, 1, first, DELIVERED), said(message.id, 1, first, SENT))).toEqual([
      "duplicate",
      "applied",
    ]);
    expect(await apply(said(message.id, 2, second, SENT), said(message.id, 1, first, READ))).toEqual([
      "applied",
      "applied",
    ]);
    expect(await row(message.id)).toMatchObject({ status: READ, twilio_sid: second, attempt: 2 });
    expect(await closedSids(message.id)).toEqual([first]);
    expect(await duplicateSids(message.id)).toEqual([]);
    await expectBalance(message);
  });

  test("is found by its SID alone", async () => {
    const message = await tried(2);
    const sid = newSid();
    await apply(said(message.id, 1, sid, SENT));
    const bare = { ...said(message.id, 1, sid, DELIVERED), messageId: undefined, attempt: undefined };
    expect(await apply(bare)).toEqual(["applied"]);
    expect((await readTimeline(db.store.pool, message.batch.tenantId, message.id)).at(-1)).toMatchObject({
      attempt: 1,
      status: DELIVERED,
    });
  });

  test("from another account than the attempt's is nobody's", async () => {
    const message = await tried(2);
    const stranger = { ...said(message.id, 1, newSid(), SENT), accountSid: `AC${"9".repeat(32)}` };
    expect(await apply(stranger)).toEqual(["parked"]);
    await db.store.pool.query("update message_attempt set account_id = $2 where message_id = $1", [
      message.id,
      randomUUID(),
    ]);
    expect(await apply(said(message.id, 1, newSid(), SENT))).toEqual(["parked"]);
    expect(await row(message.id)).toMatchObject({ twilio_sid: null });
  });
});

describe("evidence against the hub's own word", () => {
  test.each([
    ["canceled", `status = ${CANCELED}`],
    ["expired", `status = ${EXPIRED}`],
    ["refused", `status = ${FAILED}, error_code = 21211, error_message = 'no', failed_at = now()`],
    ["assumed to be sent", `status = ${SUBMITTED}, evidence = ${EventSource.ASSUMED}`],
  ])("wins: a message that was %s", async (_name, change) => {
    for (const status of [SUBMITTED, SENT, CANCELED, UNDELIVERED, FAILED, DELIVERED, READ]) {
      const message = await tried(1);
      await set(message.id, `${change}, claim_token = null`);
      await db.store.pool.query("delete from batch_count_delta where batch_id = $1", [message.batch.id]);
      await db.store.pool.query(
        `insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
         select tenant_id, batch_id, status, counted_error(status, error_code), 1 from message where id = $1`,
        [message.id],
      );
      const callback = said(message.id, 1, newSid(), status);
      expect(await apply(callback)).toEqual(["applied"]);
      expect(await row(message.id)).toMatchObject({
        status,
        twilio_sid: callback.messageSid,
        evidence: EventSource.CALLBACK,
        error_code: callback.errorCode,
        error_message: callback.errorMessage,
        failed_at: callback.errorCode === 0 ? null : callback.receivedAt,
      });
      await expectBalance(message);
    }
  });

  test("may come from Twilio's list as well", async () => {
    const message = await tried(1);
    await record({ ...message.claims[0]!, result: { status: UNKNOWN, errorMessage: "timeout" } });
    const listed = said(message.id, 1, newSid(), SENT);
    expect(await apply({ ...listed, source: EventSource.LIST })).toEqual(["applied"]);
    expect(await row(message.id)).toMatchObject({ status: SENT, evidence: EventSource.LIST });
    expect((await readTimeline(db.store.pool, message.batch.tenantId, message.id)).at(-1)).toMatchObject({
      source: EventSource.LIST,
      status: SENT,
    });
    expect(await apply(listed)).toEqual(["repeated"]);
    expect(await row(message.id)).toMatchObject({ status: SENT, evidence: EventSource.CALLBACK });
  });
});

test("what the list concluded and a callback says later by name is the callback's word", async () => {
  const message = await tried(1);
  await record({ ...message.claims[0]!, result: { status: UNKNOWN, errorMessage: "timeout" } });
  const listed = said(message.id, 1, newSid(), SENT);
  await apply({ ...listed, source: EventSource.LIST });
  expect(await apply({ ...listed, receivedAt: at(600) })).toEqual(["repeated"]);
  const said600 = { source: EventSource.CALLBACK, status: SENT, at: at(600) };
  expect((await readTimeline(db.store.pool, message.batch.tenantId, message.id)).at(-1)).toMatchObject(said600);
  await apply({ ...listed, source: EventSource.LIST, receivedAt: at(1) });
  expect((await readTimeline(db.store.pool, message.batch.tenantId, message.id)).at(-1)).toMatchObject(said600);
});

describe("a second SID on one attempt", () => {
  test("is kept and raised once; the same one is bound whichever came first", async () => {
    const [lower, higher] = [newSid(), newSid()];
    const one = await tried(1);
    await record({ ...one.claims[0]!, result: { status: SUBMITTED, sid: lower } });
    expect(await apply(said(one.id, 1, higher, SENT), said(one.id, 1, higher, DELIVERED))).toEqual([
      "duplicate",
      "applied",
    ]);
    expect(await row(one.id)).toMatchObject({ status: DELIVERED, twilio_sid: lower });
    expect(await duplicateSids(one.id)).toEqual([higher]);
    await expectBalance(one);

    await db.store.pool.query("delete from duplicate_sid");
    const other = await tried(1);
    expect(await apply(said(other.id, 1, higher, DELIVERED))).toEqual(["applied"]);
    const taken = { ...other.claims[0]!, result: { status: SUBMITTED, sid: lower } } as const;
    expect(await record(taken)).toEqual(["duplicate"]);
    expect(await record(taken)).toEqual(["repeated"]);
    expect(await row(other.id)).toMatchObject({ status: DELIVERED, twilio_sid: lower, claim_token: null });
    expect(await duplicateSids(other.id)).toEqual([higher]);
    await expectBalance(other);
  });
});

describe("any order, any repetition", () => {
  const rounds = 10;
  const sids = Array.from({ length: 6 }, (_, n) => `SM${"f".repeat(31)}${n}`);

  /** What is said of a message in its second attempt, and what became of that attempt's request. */
  const stories: readonly { outcome: AttemptOutcome["result"]; said: readonly [number, number, MessageStatus][] }[] = [
    {
      outcome: { status: SUBMITTED, sid: sids[0]! },
      said: [
        [2, 0, SENT],
        [2, 0, DELIVERED],
        [2, 1, FAILED],
      ],
    },
    {
      outcome: { status: SUBMITTED, sid: sids[1]! },
      said: [
        [2, 0, SUBMITTED],
        [1, 2, SENT],
        [1, 3, UNDELIVERED],
      ],
    },
    {
      outcome: { ...back, spendsTry: true, nextAt: at(60) },
      said: [
        [1, 2, SENT],
        [1, 2, FAILED],
      ],
    },
    {
      outcome: { ...back, errorCode: 20429 },
      said: [
        [2, 0, SUBMITTED],
        [1, 2, READ],
      ],
    },
    {
      outcome: { ...back, errorCode: 20429 },
      said: [
        [2, 1, SENT],
        [2, 0, SENT],
      ],
    },
    {
      outcome: { status: FAILED, errorCode: 21211, errorMessage: "no" },
      said: [
        [2, 0, SUBMITTED],
        [2, 0, SENT],
      ],
    },
    {
      outcome: { status: FAILED, errorCode: 21211, errorMessage: "no" },
      said: [
        [1, 0, FAILED],
        [1, 1, CANCELED],
      ],
    },
    {
      outcome: { status: UNKNOWN, errorMessage: "timeout" },
      said: [
        [2, 0, UNDELIVERED],
        [1, 1, SENT],
        [1, 2, SENT],
      ],
    },
    {
      outcome: { status: UNKNOWN, errorMessage: "timeout" },
      said: [
        [1, 3, DELIVERED],
        [2, 4, READ],
        [2, 5, FAILED],
      ],
    },
  ];

  type Step = { readonly outcome: AttemptOutcome } | { readonly callback: StatusCallback };

  async function finalState(batch: SampleBatch) {
    const query = async (sql: string): Promise<unknown[]> => (await db.store.pool.query(sql, [batch.id])).rows;
    const { counted, stored } = await readBalance(db.store, batch.id);
    expect(counted).toEqual(stored);
    return {
      messages: await query(
        `select status, error_code, error_message, right(twilio_sid, 3) as sid, evidence, attempt, tries, next_at, updated_at,
                claim_token is null as over, lease_until, reconcile_at, absences, submitted_at, sent_at, delivered_at, read_at,
                failed_at
         from message where batch_id = $1 order by recipient`,
      ),
      events: await query(
        `select m.recipient, e.attempt, e.status, e.source, e.error_code, e.at, e.detail, right(e.twilio_sid, 3) as sid
         from message_event e join message m on m.id = e.message_id
         where m.batch_id = $1 order by 1, 2, 3, e.twilio_sid, e.error_code`,
      ),
      attempts: await query(
        `select m.recipient, a.attempt, right(a.twilio_sid, 3) as sid, a.error_code, a.error_message, a.closed_at
         from message_attempt a join message m on m.id = a.message_id where m.batch_id = $1 order by 1, 2`,
      ),
      duplicates: await query(
        `select m.recipient, d.attempt, right(d.twilio_sid, 3) as sid, d.seen_at
         from duplicate_sid d join message m on m.id = d.message_id where m.batch_id = $1 order by 1, 2, 3`,
      ),
      stored,
    };
  }

  /** All messages in their second attempt, and in random order all that is said of them, some of it twice. */
  async function play(round: number) {
    const random = seeded(round);
    const batch = await storeSampleBatch(db.store, { createdAt: start, recipients: stories.length });
    for (const claim of await claimAll(db.store, batch, start)) await record({ ...claim, result: back });
    const claims = new Map((await claimAll(db.store, batch, start)).map((claim) => [claim.messageId, claim]));
    // SIDs are unique over all batches, and their order within a message is the same in each round.
    const sidOf = (n: number, sid: string): string =>
      `SM${round.toString(16).padStart(13, "0")}${n.toString(16).padStart(16, "0")}${sid.slice(-3)}`;
    const steps = stories.flatMap(({ outcome, said: callbacks }, n): Step[] => {
      const id = batch.messageIds[n]!;
      const result = "sid" in outcome ? { ...outcome, sid: sidOf(n, outcome.sid) } : outcome;
      return [
        { outcome: { ...claims.get(id)!, result } },
        ...callbacks.map(([attempt, sid, status]) => ({ callback: said(id, attempt, sidOf(n, sids[sid]!), status) })),
      ];
    });
    const all = shuffle([...steps, ...steps.filter(() => random() < 0.5)], random);
    const news: string[] = [];
    while (all.length > 0) {
      // Some go together in one call, and several calls run at once, as in many replicas.
      const groups = [1, 2, 3].map(() => all.splice(0, 1 + Math.floor(random() * 6)));
      const fates = await Promise.all(
        groups.flatMap((group) => [
          recordOutcomes(
            db.store.pool,
            group.flatMap((step) => ("outcome" in step ? [step.outcome] : [])),
            at(5),
          ),
          apply(...group.flatMap((step) => ("callback" in step ? [step.callback] : []))),
        ]),
      );
      news.push(...fates.flat().filter((fate) => fate !== "repeated"));
    }
    await foldCounts(db.store.pool, { now: at(100), limit: 100_000 });
    return { ...(await finalState(batch)), news: tally(news) };
  }

  test("of callbacks and outcomes gives the same rows, the same history and the same counts", async () => {
    const states: unknown[] = [];
    for (let round = 0; round < rounds; round++) states.push(await play(round));
    for (const state of states) expect(state).toEqual(states[0]);
    const messages = stories.map(({ outcome, said: callbacks }) => {
      const mine = callbacks.map(([attempt, sid]) => `${attempt}/${sids[sid]!}`);
      return new Set("sid" in outcome ? [...mine, `2/${outcome.sid}`] : mine).size - 1;
    });
    const duplicate = messages.reduce((sum, n) => sum + n, 0);
    const applied = stories.reduce((sum, story) => sum + 1 + story.said.length, 0) - duplicate;
    expect(states[0]).toMatchObject({ news: { applied, duplicate } });
  });
});

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** A small random number generator that always tells the same story (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed + 0x6d2b79f5;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
