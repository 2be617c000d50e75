import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import { applyCallbacks, type StatusCallback } from "./apply-callbacks.ts";
import { claimMessages, type ClaimRequest } from "./claim-messages.ts";
import { deferMessages } from "./defer-messages.ts";
import { createGroupCommit } from "./group-commit.ts";
import { planSender } from "./plan-messages.ts";
import { recordOutcomes, type AttemptOutcome } from "./record-outcomes.ts";
import { recoverClaims } from "./recover-claims.ts";
import { withStoreErrors } from "./store-errors.ts";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  sampleSender,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const recipients = 20;
let db: TestDatabase;
let batch: SampleBatch;

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients });
});
afterEach(() => db.drop());

const pool = () => db.store.pool;
const limits = { maxItems: 100, maxConcurrent: 2 };
const plan = () => planSender(pool(), batch.senderId, { now, horizonMs: 1000 });
const request = (m: { tenantId: string; messageId: string; attempt: number }): ClaimRequest => ({
  ...m,
  token: randomUUID(),
});
const claimOptions = { now, leaseMs: 60_000 };

/** From now on PostgreSQL refuses to write this one row. */
async function poison(messageId: string): Promise<void> {
  await pool().query(
    `create function poison() returns trigger language plpgsql as $$ begin raise exception 'poison'; end $$`,
  );
  await pool().query(
    `create trigger poison before update on message for each row when (old.id = '${messageId}') execute function poison()`,
  );
}

/** Submits all at once; the one at fault fails alone. */
async function expectAllBut<Item, Result>(
  items: readonly Item[],
  fault: number,
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  let groups = 0;
  const counting = (group: readonly Item[]): Promise<readonly Result[]> => {
    groups++;
    return withStoreErrors(() => write(group));
  };
  const commit = createGroupCommit({ ...limits, write: counting, writeAgain: counting });
  const results = await Promise.allSettled(items.map((item) => commit.submit(item)));
  const failed = results.flatMap((result, at) => (result.status === "rejected" ? [at] : []));
  expect(failed).toEqual([fault]);
  expect((results[fault] as PromiseRejectedResult).reason).toMatchObject({ message: "poison" });
  expect(groups).toBeGreaterThan(1);
  expect(groups).toBeLessThan(2 * Math.ceil(Math.log2(recipients)) + 2);
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function expectBalance(expected: Record<string, number>): Promise<void> {
  const { counted, stored } = await readBalance(db.store, batch.id);
  expect(stored).toEqual(expected);
  expect(counted).toEqual(stored);
}

describe("a row that PostgreSQL does not write spoils nothing for the others", () => {
  const { ACCEPTED, QUEUED, SENDING, SUBMITTED, SENT } = MessageStatus;

  test("of claims", async () => {
    const requests = (await plan()).map(request);
    await poison(requests[7]!.messageId);
    const claims = await expectAllBut(requests, 7, (group) => claimMessages(pool(), group, claimOptions));
    expect(claims.every((claim) => claim !== undefined)).toBe(true);
    await expectBalance({ [QUEUED]: 1, [SENDING]: recipients - 1 });
  });

  test("of deferrals", async () => {
    const deferrals = (await plan()).map((message) => ({ ...message, nextAt: now }));
    await poison(deferrals[0]!.messageId);
    const applied = await expectAllBut(deferrals, 0, (group) => deferMessages(pool(), group, now));
    expect(applied).toEqual(Array.from({ length: recipients - 1 }, () => true));
    await expectBalance({ [ACCEPTED]: recipients - 1, [QUEUED]: 1 });
  });

  test("of outcomes", async () => {
    const claims = await claimAll(db.store, batch, now);
    const outcomes = claims.map((claim, n): AttemptOutcome => {
      return { ...claim, result: { status: SUBMITTED, sid: `SM${String(n).padStart(32, "0")}` } };
    });
    await poison(outcomes.at(-1)!.messageId);
    await expectAllBut(outcomes, recipients - 1, (group) => recordOutcomes(pool(), group, now));
    await expectBalance({ [SENDING]: 1, [SUBMITTED]: recipients - 1 });
  });

  test("of callbacks", async () => {
    const claims = await claimAll(db.store, batch, now);
    const callbacks = claims.map((claim, n): StatusCallback => ({
      accountSid: sampleSender.accountSid,
      messageSid: `SM${String(n).padStart(32, "0")}`,
      messageId: claim.messageId,
      attempt: 1,
      status: SENT,
      errorCode: 0,
      errorMessage: "",
      receivedAt: now,
      detail: {},
    }));
    await poison(callbacks[13]!.messageId!);
    await expectAllBut(callbacks, 13, (group) => applyCallbacks(pool(), group, now));
    await expectBalance({ [SENDING]: 1, [SENT]: recipients - 1 });
  });
});

describe("a claim whose connection broke", () => {
  const claims = (write: (group: readonly ClaimRequest[]) => ReturnType<typeof claimMessages>) =>
    createGroupCommit({
      ...limits,
      write: (group: readonly ClaimRequest[]) => withStoreErrors(() => write(group)),
      writeAgain: (group) => withStoreErrors(() => recoverClaims(pool(), group, claimOptions)),
    });

  test("in the middle of the statement is claimed on another one, and nobody in line hears of it", async () => {
    const requests = (await plan()).map(request);
    const blocker = await pool().connect();
    await blocker.query("begin");
    await blocker.query("select from message where id = $1 for update", [requests[3]!.messageId]);
    const commit = claims((group) => claimMessages(pool(), group, claimOptions));
    const claiming = Promise.all(requests.map((one) => commit.submit(one)));
    const waiting = `select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    let pid: number | undefined;
    while (pid === undefined) pid = (await pool().query<{ pid: number }>(waiting)).rows[0]?.pid;
    await pool().query("select pg_terminate_backend($1)", [pid]);
    await blocker.query("commit");
    blocker.release();
    const granted = await claiming;
    expect(granted.map((claim) => claim?.token)).toEqual(requests.map(({ token }) => token));
    await expectBalance({ [MessageStatus.SENDING]: recipients });
  });

  test("after it was granted is found again by its token; what another one holds is not", async () => {
    const [first, second, third, ...rest] = (await plan()).map(request);
    const others = { ...second!, token: randomUUID() };
    await claimMessages(pool(), [others], claimOptions);
    const commit = claims(async (group) => {
      // Granted, but for the second, which another sender has; the answer is lost.
      await claimMessages(pool(), group.slice(0, 2), claimOptions);
      throw new HubError("unavailable", "the database cannot be reached at the moment");
    });
    const answers = await Promise.all([first!, second!, third!].map((one) => commit.submit(one)));
    expect(answers.map((claim) => claim?.token)).toEqual([first!.token, undefined, third!.token]);
    expect(answers[0]).toEqual((await recoverClaims(pool(), [first!], claimOptions))[0]);
    expect(answers[0]).toMatchObject({ recipient: expect.stringMatching(/^\+1415/), attempt: 1, triesSpent: 0 });
    await expectBalance({ [MessageStatus.QUEUED]: rest.length, [MessageStatus.SENDING]: 3 });
  });

  test("and that is granted by the lost statement after all is held, by whichever of the two", async () => {
    const requests = (await plan()).map(request);
    for (const one of requests) {
      const [, held] = await Promise.all([
        claimMessages(pool(), [one], claimOptions),
        recoverClaims(pool(), [one], claimOptions),
      ]);
      expect(held[0]?.token).toBe(one.token);
    }
  });

  test("is not held any more when its lease is over or its outcome is known", async () => {
    const [first, second] = (await plan()).map(request);
    await claimMessages(pool(), [first!], { now, leaseMs: 0 });
    await claimMessages(pool(), [second!], claimOptions);
    await recordOutcomes(pool(), [{ ...second!, result: { status: MessageStatus.UNKNOWN, errorMessage: "" } }], now);
    expect(await recoverClaims(pool(), [first!, second!], claimOptions)).toEqual([undefined, undefined]);
  });

  test("of a PostgreSQL that is away fails, for those in line, too", async () => {
    let tries = 0;
    const away = (): Promise<never> => {
      tries++;
      return Promise.reject(new HubError("unavailable", "away"));
    };
    const commit = createGroupCommit({ maxItems: 5, maxConcurrent: 1, write: away, writeAgain: away });
    const results = await Promise.allSettled((await plan()).map((one) => commit.submit(request(one))));
    expect(results.every(({ status }) => status === "rejected")).toBe(true);
    expect(tries).toBe(2);
  });
});
