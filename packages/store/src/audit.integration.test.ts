import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BatchState, EventSource, MessageStatus, UnknownPolicy } from "@wahub/proto";
import { applyCallbacks } from "./apply-callbacks.ts";
import { auditBatches, auditFaults } from "./audit-batches.ts";
import { foldCounts } from "./fold-counts.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import {
  claimAll,
  createTestDatabase,
  readFaults,
  sampleSender,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const { ACCEPTED, SENDING, UNKNOWN, SUBMITTED, SENT, CANCELED, FAILED, DELIVERED, EXPIRED } = MessageStatus;

const now = new Date("2026-03-02T12:00:00Z");
const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
const settleAfterMs = 3_600_000;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ now });
});
afterAll(() => db.drop());

let nextSid = 1;
const newSid = (): string => `SM${(nextSid++).toString(16).padStart(32, "0")}`;
const query = (sql: string, values: unknown[] = []) => db.store.pool.query(sql, values);
const recipients = 4;

/** A batch all of whose messages have gone out; each is SUBMITTED, with a SID. */
async function sentBatch(): Promise<SampleBatch> {
  const batch = await storeSampleBatch(db.store, { createdAt: now, recipients });
  const claims = await claimAll(db.store, batch, now);
  const outcomes = claims.map((claim) => ({ ...claim, result: { status: SUBMITTED, sid: newSid() } as const }));
  await recordOutcomes(db.store.pool, outcomes, later(1));
  return batch;
}

/** Moves one message by hand, rows and counts alike, so that only what is said with it is wrong. */
async function move(batch: SampleBatch, status: MessageStatus, change = ""): Promise<void> {
  await query(
    `with was as (select * from message where id = $1),
          moved as (update message set status = $2 ${change} where id = $1)
     insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
     select tenant_id, batch_id, status, counted_error(status, error_code), -1 from was
     union all select tenant_id, batch_id, $2, counted_error($2, error_code), 1 from was`,
    [batch.messageIds[0], status],
  );
}

async function faultsOf({ id }: SampleBatch): Promise<Record<string, number>> {
  const faults = await auditBatches(db.store.pool, [id], { settleAfterMs });
  return Object.fromEntries(faults.map((fault) => [fault.kind, fault.count]));
}

const closed = `completed_at = '${later(2).toISOString()}'`;

/** What is done to a batch that is well, and what the audit calls it. */
const seeded: readonly [string, (batch: SampleBatch) => Promise<unknown>, Record<string, number>][] = [
  [
    "a message that is gone",
    (batch) => query("delete from message where id = $1", [batch.messageIds[0]]),
    { total: 1, counts: 1 },
  ],
  [
    "a message too many",
    (batch) =>
      query(
        `insert into message (id, tenant_id, batch_id, recipient, recipient_key, recipient_hash, status, next_at, sender_id,
                              created_at, updated_at)
         select overlay(id::text placing '0000' from 33)::uuid, tenant_id, batch_id, recipient, recipient_key,
                recipient_hash, ${ACCEPTED}, next_at, sender_id, created_at, updated_at
         from message where id = $1`,
        [batch.messageIds[0]],
      ),
    { total: 1, counts: 1 },
  ],
  ["a wrong total", (batch) => query("update batch set total = 6 where id = $1", [batch.id]), { total: 2 }],
  [
    "a message that moved without its counts",
    (batch) => query(`update message set status = ${DELIVERED} where id = $1`, [batch.messageIds[0]]),
    { counts: 2 },
  ],
  [
    "counts that were folded twice",
    async (batch) => {
      await foldCounts(db.store.pool, { now, limit: 1000 });
      await query(`update batch_count set n = n + 3 where batch_id = $1 and status = ${SUBMITTED}`, [batch.id]);
    },
    { counts: 3 },
  ],
  ["a delivered message without a SID", (batch) => move(batch, DELIVERED, ", twilio_sid = null"), { no_sid: 1 }],
  [
    "a message that waits in a batch that is completed",
    async (batch) => {
      await move(batch, ACCEPTED, ", twilio_sid = null");
      await query(`update batch set state = ${BatchState.COMPLETED}, ${closed} where id = $1`, [batch.id]);
    },
    { waiting_in_closed: 1 },
  ],
  [
    "a message that waits in a batch that was canceled and is done with",
    async (batch) => {
      await move(batch, MessageStatus.QUEUED, ", twilio_sid = null");
      await query(`update batch set state = ${BatchState.CANCELED}, ${closed} where id = $1`, [batch.id]);
    },
    { waiting_in_closed: 1 },
  ],
  ["a message in hand without a lease", (batch) => move(batch, SENDING), { sending_without_lease: 1 }],
  ["an unknown message that nobody asks for", (batch) => move(batch, UNKNOWN), { unknown_forgotten: 1 }],
  [
    "an unknown message in a completed batch",
    async (batch) => {
      await move(batch, UNKNOWN, ", reconcile_at = now()");
      await query(`update batch set state = ${BatchState.COMPLETED}, ${closed} where id = $1`, [batch.id]);
    },
    { completed_early: 1 },
  ],
  [
    "a batch that was settled too early",
    (batch) =>
      query(`update batch set state = ${BatchState.COMPLETED}, ${closed}, settled_at = $2 where id = $1`, [
        batch.id,
        later(600),
      ]),
    { settled_early: recipients },
  ],
];

describe("the audit", () => {
  test.each(seeded)("names %s, and in no other batch", async (_what, harm, expected) => {
    const [well, batch] = [await sentBatch(), await sentBatch()];
    expect(await faultsOf(batch)).toEqual({});
    await harm(batch);
    expect(await faultsOf(batch)).toEqual(expected);
    expect(await faultsOf(well)).toEqual({});
    for (const line of await readFaults(db.store, { settleAfterMs })) expect(line).toContain(batch.id);
    await discard(batch);
  });

  test("has a seeded case for every kind of fault", () => {
    const kinds = new Set(seeded.flatMap(([, , expected]) => Object.keys(expected)));
    expect([...kinds].toSorted()).toEqual(Object.keys(auditFaults).toSorted());
  });

  test.each([
    ["a message assumed to be sent", SUBMITTED, `, twilio_sid = null, evidence = ${EventSource.ASSUMED}`],
    ["a refused message", FAILED, ", twilio_sid = null"],
    ["a message that was called off", CANCELED, ", twilio_sid = null"],
    ["a message whose time was over", EXPIRED, ", twilio_sid = null"],
  ])("finds nothing wrong with %s", async (_what, status, change) => {
    const batch = await sentBatch();
    await move(batch, status, change);
    expect(await faultsOf(batch)).toEqual({});
  });

  test("finds nothing wrong with an unknown message that is held", async () => {
    const batch = await sentBatch();
    await query("update batch set unknown_policy = $2 where id = $1", [batch.id, UnknownPolicy.HOLD]);
    await move(batch, UNKNOWN);
    expect(await faultsOf(batch)).toEqual({});
  });

  test("finds nothing wrong with a batch that was settled because its time was over, nor with late evidence", async () => {
    const batch = await sentBatch();
    await query(`update batch set state = ${BatchState.COMPLETED}, ${closed}, settled_at = $2 where id = $1`, [
      batch.id,
      later(3602),
    ]);
    expect(await faultsOf(batch)).toEqual({});
    const other = await sentBatch();
    await query(`update batch set state = ${BatchState.COMPLETED}, ${closed}, settled_at = $2 where id = $1`, [
      other.id,
      later(3),
    ]);
    await query("update message set updated_at = $2 where batch_id = $1", [other.id, later(4)]);
    expect(await faultsOf(other)).toEqual({});
  });

  test("finds nothing wrong at any moment while messages move", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 30 });
    let working = true;
    const auditing = (async () => {
      const found: unknown[] = [];
      while (working) found.push(...(await auditBatches(db.store.pool, [batch.id], { settleAfterMs })));
      return found;
    })();
    const claims = await claimAll(db.store, batch, now);
    await Promise.all(
      claims.map(async (claim, n) => {
        const sid = newSid();
        const { messageId, attempt } = claim;
        const timeout = { status: UNKNOWN, errorMessage: "timeout" } as const;
        const result = n % 3 === 0 ? timeout : ({ status: SUBMITTED, sid } as const);
        await recordOutcomes(db.store.pool, [{ ...claim, result }], later(1));
        const facts = { accountSid: sampleSender.accountSid, messageSid: sid, messageId, attempt, errorCode: 0 };
        for (const status of [SENT, DELIVERED])
          await applyCallbacks(
            db.store.pool,
            [{ ...facts, status, errorMessage: "", receivedAt: later(2), detail: {} }],
            later(9),
          );
        await foldCounts(db.store.pool, { now: later(3), limit: 7 });
      }),
    );
    while ((await foldCounts(db.store.pool, { now: later(4), limit: 1000 })).folded > 0);
    working = false;
    expect(await auditing).toEqual([]);
    const { rows } = await query("select state from batch where id = $1 and settled_at is not null", [batch.id]);
    expect(rows).toEqual([{ state: BatchState.COMPLETED }]);
  });

  test("passes over batches that are still being stored", async () => {
    const batch = await sentBatch();
    await query(`update batch set state = ${BatchState.ACCEPTING}, total = 0 where id = $1`, [batch.id]);
    expect(await faultsOf(batch)).toEqual({});
    await query(`update batch set state = ${BatchState.RUNNING}, total = ${recipients} where id = $1`, [batch.id]);
  });
});

describe("npm run audit", () => {
  test("says that nothing is wrong and ends with 0", async () => {
    const { code, stdout, stderr } = await runAudit({ DATABASE_URL: db.databaseUrl, SETTLE_AFTER_S: "3600" });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^\d+ batches with \d+ messages: nothing is wrong\n$/);
    expect(code).toBe(0);
  });

  test("prints a line per fault and ends with 1", async () => {
    const batch = await sentBatch();
    await move(batch, UNKNOWN);
    const { code, stdout } = await runAudit({ DATABASE_URL: db.databaseUrl, SETTLE_AFTER_S: "3600" });
    const [heading, line, , sum] = stdout.split("\n");
    expect(heading).toMatch(/^fault +batch +messages +what$/);
    expect(line).toMatch(new RegExp(`^unknown_forgotten +${batch.id} +1 +messages are unknown and nobody asks`));
    expect(sum).toMatch(/: 1 fault$/);
    expect(code).toBe(1);
    await discard(batch);
  });

  test.each([
    ["is missing", {}, 78, "DATABASE_URL is missing"],
    ["is no PostgreSQL URL", { DATABASE_URL: "hub" }, 78, "DATABASE_URL is no PostgreSQL URL"],
    ["leads nowhere", { DATABASE_URL: "postgres://hub:hunter2@127.0.0.1:1/hub" }, 69, "ECONNREFUSED"],
  ])("says so when DATABASE_URL %s", async (_fault, env, expected, words) => {
    const { code, stderr } = await runAudit(env);
    expect({ code, stderr }).toEqual({ code: expected, stderr: expect.stringContaining(words) });
    expect(stderr).not.toContain("hunter2");
  });
});

async function discard(batch: SampleBatch): Promise<void> {
  for (const table of ["message", "batch_count", "batch_count_delta"])
    await query(`delete from ${table} where batch_id = $1`, [batch.id]);
  await query("delete from batch where id = $1", [batch.id]);
}

async function runAudit(env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./audit-main.ts", import.meta.url))], { env });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  const [code] = (await once(child, "close")) as [number];
  return { code, ...output };
}
