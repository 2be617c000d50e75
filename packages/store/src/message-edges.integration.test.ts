import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { statusEdges, statusName, statusTable, type Mover } from "@wahub/domain";
import { BatchState, MessageStatus } from "@wahub/proto";
import { applyCallbacks } from "./apply-callbacks.ts";
import { cancelBatch } from "./cancel-batch.ts";
import { claimMessages } from "./claim-messages.ts";
import { cancelWaiting, expireWaiting } from "./close-waiting.ts";
import { deferMessages } from "./defer-messages.ts";
import { expireLeases } from "./expire-leases.ts";
import { pauseBatch } from "./pause-batch.ts";
import { planSender } from "./plan-messages.ts";
import { recordOutcomes, type AttemptOutcome } from "./record-outcomes.ts";
import { recordVerdicts, type Verdict } from "./record-verdicts.ts";
import {
  createTestDatabase,
  sampleSender,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const now = new Date("2026-03-02T12:00:00Z");
const sid = `SM${"a".repeat(32)}`;
const token = randomUUID();
const statuses = statusTable.map((rule) => rule.status);

const fromTwilio = statusTable.filter(({ twilioWords }) => twilioWords.length > 0).map(({ status }) => status);

/** Which messages have a SID. Those that failed or were canceled may owe it to the hub or to Twilio. */
const variants: readonly (readonly MessageStatus[])[] = [
  fromTwilio,
  fromTwilio.filter((status) => status !== MessageStatus.CANCELED && status !== MessageStatus.FAILED),
];

let db: TestDatabase;
let batch: SampleBatch;
beforeAll(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: statuses.length });
});
afterAll(() => db.drop());

/** Puts one message into each status, in its first attempt, as messages there are, with no history. */
async function spread(withSid: readonly MessageStatus[]): Promise<void> {
  await db.store.pool.query("update batch set state = $2, expires_at = null where id = $1", [
    batch.id,
    BatchState.RUNNING,
  ]);
  for (const table of ["message_event", "message_attempt", "duplicate_sid"])
    await db.store.pool.query(`delete from ${table}`);
  await db.store.pool.query(
    `update message m
     set status = v.status, attempt = 1, next_at = $3, error_code = 0, account_id = $4,
         claim_token = case when v.status > ${MessageStatus.QUEUED} then $5::uuid end,
         lease_until = case when v.status = ${MessageStatus.SENDING} then now() - interval '1 second' end,
         twilio_sid = case when v.status = any($7::smallint[]) then $6 end
     from unnest($1::uuid[], $2::smallint[]) as v(id, status) where m.id = v.id`,
    [batch.messageIds, statuses, now, batch.accountId, token, sid, withSid],
  );
}

/** The moves that `work` makes, of one message in each status. */
async function movesOf(by: Mover, withSid: readonly MessageStatus[], work: () => Promise<unknown>): Promise<string[]> {
  await spread(withSid);
  await work();
  const { rows } = await db.store.pool.query<{ id: string; status: MessageStatus }>("select id, status from message");
  const after = new Map(rows.map((row) => [row.id, row.status]));
  return batch.messageIds.flatMap((id, at) => {
    const [from, to] = [statuses[at]!, after.get(id)!];
    return from === to ? [] : [`${statusName(from)} --> ${statusName(to)} : ${by}`];
  });
}

const each = <T>(of: (messageId: string) => T): T[] => batch.messageIds.map(of);

function outcome(result: AttemptOutcome["result"]): () => Promise<unknown> {
  const { tenantId } = batch;
  return () =>
    recordOutcomes(
      db.store.pool,
      each((messageId) => ({ tenantId, messageId, attempt: 1, token, result })),
      now,
    );
}

const over = "expires_at = created_at";

/** In a batch that is canceled, or whose time is over. */
function inBatch(change: string, work: () => Promise<unknown>): () => Promise<unknown> {
  return async () => {
    await db.store.pool.query(`update batch set ${change} where id = $1`, [batch.id]);
    await work();
  };
}

function callback(status: MessageStatus): () => Promise<unknown> {
  const { accountSid } = sampleSender;
  const fields = { accountSid, messageSid: sid, attempt: 1, status, errorCode: 0, errorMessage: "", receivedAt: now };
  return () =>
    applyCallbacks(
      db.store.pool,
      each((messageId) => ({ ...fields, messageId, detail: {} })),
      now,
    );
}

/** Each by itself: a verdict about several is recorded for all or none. */
function verdict(of: (messageId: string) => Verdict): () => Promise<unknown> {
  const { accountSid } = sampleSender;
  return async () => {
    await Promise.all(
      each((messageId) => {
        const decision = { messageId, attempt: 1, absences: 0, verdict: of(messageId) };
        return recordVerdicts(db.store.pool, [decision], { now, accountSid });
      }),
    );
  };
}

function found(status: MessageStatus): () => Promise<unknown> {
  return verdict((messageId) => ({
    kind: "found",
    sid: `SM${messageId.replaceAll("-", "")}`,
    status,
    errorCode: 0,
    errorMessage: "",
  }));
}

describe("the statements that move messages", () => {
  test("go every way that the table of edges names, and no other", async () => {
    const { pool } = db.store;
    const { tenantId, senderId } = batch;
    const failure = { errorCode: 30008, errorMessage: "failed" };
    const back = { status: MessageStatus.ACCEPTED, nextAt: now, spendsTry: true, ...failure } as const;
    const works: [Mover, () => Promise<unknown>][] = [
      ["plan", () => planSender(pool, senderId, { now, horizonMs: 60_000 })],
      [
        "defer",
        () =>
          deferMessages(
            pool,
            each((messageId) => ({ tenantId, messageId, attempt: 2, nextAt: now })),
            now,
          ),
      ],
      [
        "claim",
        () =>
          claimMessages(
            pool,
            each((messageId) => ({ tenantId, messageId, attempt: 2, token: randomUUID() })),
            {
              now,
              leaseMs: 60_000,
            },
          ),
      ],
      ["outcome", outcome({ status: MessageStatus.SUBMITTED, sid })],
      ["outcome", outcome(back)],
      ["outcome", inBatch(`state = ${BatchState.CANCELED}`, outcome(back))],
      ["outcome", inBatch(over, outcome(back))],
      ["outcome", outcome({ status: MessageStatus.FAILED, ...failure })],
      ["outcome", outcome({ status: MessageStatus.UNKNOWN, errorMessage: "timeout" })],
      ["lease", () => expireLeases(pool, { now, limit: 100 })],
      ["pause", () => pauseBatch(pool, tenantId, batch.id, { code: 0, reason: "", now })],
      [
        "cancel",
        () => cancelBatch(pool, tenantId, batch.id, { now }).then(() => cancelWaiting(pool, { now, limit: 100 })),
      ],
      ["expire", inBatch(over, () => expireWaiting(pool, { now, limit: 100 }))],
      ...(["absent", "again", "assume"] as const).flatMap((exit): [Mover, () => Promise<unknown>][] => {
        const leave = verdict(() => ({ kind: "leave", exit }));
        return [
          ["reconcile", leave],
          ["reconcile", inBatch(`state = ${BatchState.CANCELED}`, leave)],
          ["reconcile", inBatch(over, leave)],
        ];
      }),
      ...fromTwilio.map((status): [Mover, () => Promise<unknown>] => ["reconcile", found(status)]),
      ...statusTable
        .filter(({ twilioWords }) => twilioWords.length > 0)
        .map(({ status }): [Mover, () => Promise<unknown>] => ["callback", callback(status)]),
    ];
    const moves = new Set<string>();
    for (const withSid of variants)
      for (const [by, work] of works) for (const move of await movesOf(by, withSid, work)) moves.add(move);
    const named = statusEdges.map(({ from, to, by }) => `${statusName(from)} --> ${statusName(to)} : ${by}`);
    expect([...moves].toSorted()).toEqual(named.toSorted());
  }, 120_000);
});
