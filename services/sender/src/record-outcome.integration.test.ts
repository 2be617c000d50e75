import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { createRedisConnection } from "@wahub/queue";
import { createSpool, outcomeSpool, type Spool } from "@wahub/spool";
import { createGroupCommit, createStore, expireLeases, type AttemptOutcome, type Store } from "@wahub/store";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  startDatabaseLine,
  storeSampleBatch,
  type DatabaseLine,
  type SampleBatch,
  type TestDatabase,
} from "@wahub/store/testing";
import { createDrainOutcomesRound } from "./drain-outcomes.ts";
import { createMessageGroups } from "./message-groups.ts";
import { toOutcomeFact } from "./outcome-facts.ts";
import { createRecordOutcome, type RecordOutcomeDeps } from "./record-outcome.ts";
import { away, eventsInTest, plannedJobs, senderInTest } from "./testing/sender-in-test.ts";

const now = new Date("2026-03-01T12:00:00Z");
const { ACCEPTED, SENDING, UNKNOWN, SUBMITTED, FAILED } = MessageStatus;
const redis = createRedisConnection(process.env["TEST_REDIS_URL"] ?? "redis://127.0.0.1:6379");
let db: TestDatabase;
let line: DatabaseLine;
/** Reaches the database over the line. */
let store: Store;
let batch: SampleBatch;
let spool: Spool;

beforeAll(() => redis.ping());
afterAll(async () => {
  redis.disconnect();
  await once(redis, "end");
});
beforeEach(async () => {
  db = await createTestDatabase({ now });
  line = await startDatabaseLine(db.databaseUrl);
  store = createStore({ databaseUrl: line.databaseUrl, applicationName: "sender", queryTimeoutMs: 500 });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 30 });
  spool = createSpool({ redis, prefix: `test-${randomUUID().slice(0, 8)}`, name: outcomeSpool });
});
afterEach(async () => {
  await store.close();
  await line.close();
  await db.drop();
});

const sid = (n: number): string => `SM${String(n).padStart(32, "0")}`;
const statuses = async (): Promise<Record<string, number>> => {
  const { counted, stored } = await readBalance(db.store, batch.id);
  expect(counted).toEqual(stored);
  return stored;
};
const signal = new AbortController().signal;

/** Facts on their way into the spool, as the service wires it. */
const spooledIn = (to: Pick<Spool, "append">) =>
  createGroupCommit<Uint8Array, void>({
    write: async (facts) => {
      await to.append(facts);
      return [];
    },
    maxItems: 200,
    maxConcurrent: 1,
  });

function recorder(changes: Partial<RecordOutcomeDeps> = {}) {
  const { events, lines } = eventsInTest();
  const { outcomes } = createMessageGroups(store, { now: () => now, leaseMs: 60_000 });
  const deps = { outcomes, spooled: spooledIn(spool), events, now: () => now, recordForMs: 60_000, ...changes };
  return { record: createRecordOutcome(deps), lines };
}

/** A process that drains. */
function drainer(clock = () => now) {
  const { events, lines } = eventsInTest();
  return { lines, runOnce: createDrainOutcomesRound({ spool, store, events, now: clock }) };
}

const submittedOf = async (): Promise<AttemptOutcome[]> =>
  (await claimAll(db.store, batch, now)).map((claim, n) => ({ ...claim, result: { status: SUBMITTED, sid: sid(n) } }));

describe("while PostgreSQL is away", () => {
  test("an outcome goes into the spool at once, and into the database when that is back", async () => {
    const [job] = await plannedJobs(db.store, batch, now);
    const { send, sent } = senderInTest(
      store,
      now,
      { kind: "submitted", sid: sid(1) },
      {
        provider: {
          send: async () => {
            line.cut();
            return { kind: "submitted", sid: sid(1) };
          },
        },
        spooled: spooledIn(spool),
      },
    );
    await send(job!);
    expect(sent).toEqual([]);
    expect(await spool.size()).toMatchObject({ entries: 1, aside: 0 });
    const { runOnce } = drainer();
    await expect(runOnce()).rejects.toMatchObject({ kind: "unavailable" });
    expect(await spool.isEmpty()).toBe(false);
    line.mend();
    await runOnce();
    expect(await spool.isEmpty()).toBe(true);
    expect(await statuses()).toEqual({ 2: 29, [SUBMITTED]: 1 });
    const { rows } = await db.store.pool.query("select twilio_sid from message where id = $1", [job!.messageId]);
    expect(rows).toEqual([{ twilio_sid: sid(1) }]);
  });

  test("the log says what PostgreSQL had against an outcome that Redis keeps", async () => {
    const outcomes = { submit: () => Promise.reject(new Error("no such function")), drain: () => Promise.resolve() };
    const { record, lines } = recorder({ outcomes });
    const [outcome] = await submittedOf();
    expect(await record(outcome!, signal)).toBe("spooled");
    expect(JSON.stringify(lines)).toContain("no such function");
  });

  test("outcomes of every kind survive it, also past the end of their leases", async () => {
    const claims = await claimAll(db.store, batch, now, 0);
    line.cut();
    const { record } = recorder();
    const results: AttemptOutcome["result"][] = [
      { status: SUBMITTED, sid: sid(1) },
      { status: ACCEPTED, nextAt: now, spendsTry: true, errorCode: 63018, errorMessage: "too fast" },
      { status: FAILED, errorCode: 63024, errorMessage: "invalid recipient" },
      { status: UNKNOWN, errorMessage: "timeout" },
    ];
    const recorded = await Promise.all(results.map((result, n) => record({ ...claims[n]!, result }, signal)));
    expect(recorded).toEqual(results.map(() => "spooled"));
    await expireLeases(db.store.pool, { now, limit: 1000 });
    expect(await statuses()).toEqual({ [UNKNOWN]: 30 });
    line.mend();
    await drainer().runOnce();
    expect(await statuses()).toEqual({ [ACCEPTED]: 1, [UNKNOWN]: 27, [SUBMITTED]: 1, [`${FAILED}/63024`]: 1 });
  });

  test("a claim that was not answered is given back by way of the spool", async () => {
    const [job] = await plannedJobs(db.store, batch, now);
    const { claims } = createMessageGroups(store, { now: () => now, leaseMs: 60_000 });
    const { send, sent } = senderInTest(
      store,
      now,
      { kind: "submitted", sid: sid(1) },
      {
        claims: {
          ...claims,
          submit: async (request) => {
            await claims.submit(request);
            line.cut();
            return away();
          },
        },
        sendWindowMs: 200,
        spooled: spooledIn(spool),
      },
    );
    await send(job!);
    expect(await statuses()).toEqual({ 2: 29, [SENDING]: 1 });
    line.mend();
    await drainer().runOnce();
    expect(sent).toEqual([]);
    expect(await statuses()).toEqual({ [ACCEPTED]: 1, 2: 29 });
  });
});

/** PostgreSQL refuses to write messages, all or one of them, with this error. */
async function refuse(errcode: string, onlyId?: string): Promise<void> {
  await db.store.pool.query(`
    create or replace function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'no' using errcode = '${errcode}'; end $$`);
  await db.store.pool.query(`
    create trigger refuse before update on message for each row
    ${onlyId === undefined ? "" : `when (old.id = '${onlyId}')`} execute function refuse()`);
}
const accept = () => db.store.pool.query("drop trigger refuse on message");

describe("while PostgreSQL is there and refuses", () => {
  test.each(["53100", "53200", "58030"])(
    "as such (%s), outcomes wait in the spool for as long as it takes",
    async (code) => {
      const outcomes = await submittedOf();
      await refuse(code);
      const { record, lines } = recorder();
      const recorded = await Promise.all(outcomes.map((outcome) => record(outcome, signal)));
      expect(recorded).toEqual(outcomes.map(() => "spooled"));
      expect(lines.filter(({ level }) => level === "error")).toEqual([]);
      const { runOnce } = drainer();
      for (let rounds = 0; rounds < 25; rounds += 1) await runOnce().catch(() => undefined);
      expect(await spool.size()).toMatchObject({ entries: 30, aside: 0 });
      await accept();
      await runOnce();
      expect(await statuses()).toEqual({ [SUBMITTED]: 30 });
    },
  );

  test.each(["40P01", "42501", "P0001"])("for whatever reason (%s), an outcome goes into the spool", async (code) => {
    const [outcome, other] = await submittedOf();
    await refuse(code, outcome!.messageId);
    const { record } = recorder();
    const recorded = await Promise.all([record(outcome!, signal), record(other!, signal)]);
    expect(recorded).toEqual(["spooled", "applied"]);
    await accept();
    await drainer().runOnce();
    expect(await statuses()).toEqual({ [SENDING]: 28, [SUBMITTED]: 2 });
  });
});

describe("while PostgreSQL and Redis are away", () => {
  const outOfReach = { append: away };

  test("a SID is insisted on for longer than a lease, and written when one of them is back", async () => {
    const [outcome] = await submittedOf();
    line.cut();
    let isBack = false;
    const flaky = { append: (facts: readonly Uint8Array[]) => (isBack ? spool.append(facts) : away()) };
    const { record } = recorder({ spooled: spooledIn(flaky), recordForMs: 50 });
    const recording = record(outcome!, signal);
    await sleep(400);
    isBack = true;
    expect(await recording).toBe("spooled");
  });

  test("and it is told to stop, it tries once more, and then leaves the SID in the log", async () => {
    const [outcome] = await submittedOf();
    line.cut();
    let tries = 0;
    const counting = {
      append: () => {
        tries += 1;
        return away();
      },
    };
    const stop = new AbortController();
    const { record, lines } = recorder({ spooled: spooledIn(counting) });
    const recording = record(outcome!, stop.signal);
    const refused = expect(recording).rejects.toThrow("neither PostgreSQL nor Redis");
    while (tries < 2) await sleep(10);
    const before = tries;
    stop.abort();
    await refused;
    expect(tries).toBe(before + 1);
    const { messageId, attempt } = outcome!;
    expect(lines).toEqual([
      expect.objectContaining({ level: "error", event: "outcome_lost", messageId, attempt, sid: sid(0) }),
    ]);
  });

  test("what others can find out is given up when its lease would be over", async () => {
    const [claim] = await claimAll(db.store, batch, now);
    line.cut();
    const { record, lines } = recorder({ spooled: spooledIn(outOfReach), recordForMs: 100 });
    const result = { status: UNKNOWN, errorMessage: "timeout" } as const;
    await expect(record({ ...claim!, result }, signal)).rejects.toThrow();
    expect(lines).toEqual([expect.objectContaining({ event: "outcome_lost", outcome: "unknown" })]);
  });
});

describe("draining", () => {
  test("in many replicas at once, with facts that lie there twice, counts each message once", async () => {
    const outcomes = await submittedOf();
    const facts = outcomes.map((outcome) => toOutcomeFact(outcome, now));
    await spool.append([...facts, ...facts]);
    await spool.append(facts);
    const replicas = [drainer(), drainer(), drainer()];
    await Promise.all(replicas.map(({ runOnce }) => runOnce()));
    await Promise.all(replicas.map(({ runOnce }) => runOnce()));
    expect(await spool.isEmpty()).toBe(true);
    expect(await statuses()).toEqual({ [SUBMITTED]: 30 });
    const { rows } = await db.store.pool.query("select count(*)::int as n from message_event where status = $1", [
      SUBMITTED,
    ]);
    expect(rows).toEqual([{ n: 30 }]);
  });

  test("a fact that PostgreSQL does not write spoils nothing for the others, and is tried again every few minutes", async () => {
    const outcomes = await submittedOf();
    const id = outcomes[11]!.messageId;
    await refuse("P0001", id);
    await spool.append([...outcomes.map((outcome) => toOutcomeFact(outcome, now)), Buffer.from("noise")]);
    let at = now;
    const { runOnce, lines } = drainer(() => at);
    await runOnce();
    expect(await statuses()).toEqual({ [SENDING]: 1, [SUBMITTED]: 29 });
    for (let tries = 2; tries <= 20; tries += 1) await runOnce();
    expect(await spool.size()).toMatchObject({ entries: 0, aside: 2 });
    expect(lines.filter(({ setAside }) => setAside === true)).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toContain(sid(11));

    await accept();
    await runOnce();
    expect(await statuses()).toEqual({ [SENDING]: 1, [SUBMITTED]: 29 });
    at = new Date(now.getTime() + 5 * 60_000);
    await runOnce();
    expect(await statuses()).toEqual({ [SUBMITTED]: 30 });
    // What fails still is set aside again at once, so that people go on seeing it.
    expect(await spool.size()).toMatchObject({ entries: 0, aside: 1 });
    expect(await spool.isEmpty()).toBe(false);
  });

  test("reports what lies there and how safe it is", async () => {
    const { runOnce, lines } = drainer();
    await runOnce();
    expect(lines).toEqual([expect.objectContaining({ level: "warn", event: "spool_found", durability: "memory" })]);
  });
});
