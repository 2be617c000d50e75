import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { SendOutcome } from "@wahub/domain";
import { createMemoryLimiter } from "@wahub/limits";
import { MessageStatus } from "@wahub/proto";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { claimMessages } from "@wahub/store";
import {
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "@wahub/store/testing";
import { createMessageGroups } from "./message-groups.ts";
import { away, plannedJobs, senderInTest, type SenderChanges } from "./testing/sender-in-test.ts";

const now = new Date("2026-03-01T12:00:00Z");
let db: TestDatabase;
let batch: SampleBatch;

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 3, body: "Hello" });
});
afterEach(() => db.drop());

const senderWith = (outcome: SendOutcome, changes: SenderChanges = {}) => senderInTest(db.store, now, outcome, changes);
const groups = () => createMessageGroups(db.store, { now: () => now, leaseMs: 60_000 });
const planned = (): Promise<SendMessageJob[]> => plannedJobs(db.store, batch, now);
const row = async (id: string) =>
  (await db.store.pool.query("select * from message where id = $1", [id])).rows[0] as Record<string, unknown>;

describe("a job", () => {
  test("claims its message, sends it and records the SID", async () => {
    const [job] = await planned();
    const { send, sent } = senderWith({ kind: "submitted", sid: "SM1" });
    await send(job!);
    expect(sent).toEqual([
      {
        messageId: job!.messageId,
        attempt: 1,
        accountSid: expect.stringMatching(/^AC/),
        from: "+14155550100",
        to: expect.stringMatching(/^\+1415/),
        body: "Hello",
      },
    ]);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, twilio_sid: "SM1", attempt: 1 });
  });

  test("that runs twice, even at the same time, sends once", async () => {
    const [job] = await planned();
    const { send, sent } = senderWith({ kind: "submitted", sid: "SM1" });
    await Promise.all([send(job!), send(job!), send(job!)]);
    await send(job!);
    expect(sent).toHaveLength(1);
  });

  test("of a recipient at its limit waits in the database and spends nothing", async () => {
    const [first, second] = await planned();
    const { send, sent } = senderWith({ kind: "submitted", sid: "SM1" }, { recipientMax: 1 });
    await send(first!);
    await send({ ...second!, recipientHash: first!.recipientHash });
    expect(sent).toHaveLength(1);
    expect(await row(second!.messageId)).toMatchObject({
      status: MessageStatus.ACCEPTED,
      attempt: 0,
      tries: 0,
      next_at: new Date(now.getTime() + 3_600_000),
    });
    expect(await readBalance(db.store, batch.id)).toMatchObject({
      counted: { 1: 1, 2: 1, 5: 1 },
      stored: { 1: 1, 2: 1, 5: 1 },
    });
  });

  test("whose outcome nobody knows leaves the message unknown: it is not sent again", async () => {
    const [job] = await planned();
    const { send, sent } = senderWith({ kind: "unknown", why: "timeout" });
    await send(job!);
    await send(job!);
    await send({ ...job!, attempt: 2 });
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.UNKNOWN, error_message: "timeout" });
  });

  test("that fails for a passing reason comes again until its tries are used up", async () => {
    const [job] = await planned();
    const { send, sent } = senderWith({ kind: "transient", code: 63009, message: "an error at WhatsApp" });
    await send(job!);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.ACCEPTED, tries: 1 });
    await db.store.pool.query("update message set status = 2, next_at = $2 where id = $1", [job!.messageId, now]);
    await send({ ...job!, attempt: 2 });
    expect(await row(job!.messageId)).toMatchObject({
      status: MessageStatus.FAILED,
      error_message: "an error at WhatsApp",
    });
    expect(sent).toHaveLength(2);
  });
});

describe("a job while PostgreSQL or Redis goes away", () => {
  const submitted = { kind: "submitted", sid: "SM1" } as const;
  const never = { drain: () => Promise.resolve(), submit: away };
  /** PostgreSQL does not answer before it is too late to send. */
  const isAwayForLong = { recoveries: never, sendWindowMs: 100 };

  test.each([
    ["was granted", 1],
    ["was not granted", 0],
  ])("whose claim is not answered and %s sends nothing; its message is planned anew at once", async (how, attempt) => {
    const [job] = await planned();
    const { claims, outcomes, deferrals } = groups();
    let missed = 0;
    const outage = <T>(back: () => Promise<T>): Promise<T> => (++missed <= 3 ? away() : back());
    const { send, sent } = senderWith(submitted, {
      ...isAwayForLong,
      claims: {
        ...claims,
        submit: async (request) => {
          if (how === "was granted") await claims.submit(request);
          return away();
        },
      },
      outcomes: { ...outcomes, submit: (outcome) => outage(() => outcomes.submit(outcome)) },
      deferrals: { ...deferrals, submit: (deferral) => outage(() => deferrals.submit(deferral)) },
    });
    await send(job!);
    expect(sent).toEqual([]);
    expect(await row(job!.messageId)).toMatchObject({
      status: MessageStatus.ACCEPTED,
      attempt,
      tries: 0,
      next_at: now,
      claim_token: null,
    });
    const { counted, stored } = await readBalance(db.store, batch.id);
    expect(counted).toEqual(stored);
    const again = (await planned()).find(({ messageId }) => messageId === job!.messageId);
    const next = senderWith(submitted);
    await next.send(again!);
    expect(next.sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, attempt: attempt + 1 });
  });

  test("whose claim commits only after it was given up sends nothing, and its message is planned anew", async () => {
    const [job] = await planned();
    const client = await db.store.pool.connect();
    const { claims } = groups();
    const deferrals = groups().deferrals;
    const { send, sent } = senderWith(submitted, {
      ...isAwayForLong,
      claims: {
        ...claims,
        submit: async (request) => {
          await client.query("begin");
          await claimMessages(client as unknown as typeof db.store.pool, [request], { now, leaseMs: 60_000 });
          return away();
        },
      },
      deferrals: {
        ...deferrals,
        // By now the outcome has been refused. The deferral waits for the row, which the commit lets go.
        submit: async (deferral) => {
          const waiting = deferrals.submit(deferral);
          await client.query("commit");
          client.release();
          return waiting;
        },
      },
    });
    await send(job!);
    expect(sent).toEqual([]);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.ACCEPTED, attempt: 1, claim_token: null });
  });

  test("whose limits cannot be asked for goes back and spends nothing", async () => {
    const [job] = await planned();
    const { send, sent } = senderWith(submitted, { limiter: { acquire: away, release: away } });
    await send(job!);
    expect(sent).toEqual([]);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.ACCEPTED, attempt: 0, tries: 0 });
  });

  test("whose claim was granted, but not answered, finds it again and goes on", async () => {
    const [job] = await planned();
    const { claims, recoveries } = groups();
    let asked = 0;
    const { send, sent } = senderWith(submitted, {
      claims: { ...claims, submit: (request) => claims.submit(request).then(away) },
      recoveries: { ...recoveries, submit: (request) => (++asked < 3 ? away() : recoveries.submit(request)) },
    });
    await send(job!);
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, attempt: 1 });
  });

  test("whose claim was not granted claims when PostgreSQL is back and there is still time to send", async () => {
    const [job] = await planned();
    const { send, sent } = senderWith(submitted, { claims: never });
    await send(job!);
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, attempt: 1 });
  });

  test("that is told to stop waits for no claim: its message goes back", async () => {
    const [job] = await planned();
    const stop = new AbortController();
    const { send, sent } = senderWith(submitted, { claims: never, recoveries: never, signal: stop.signal });
    const sending = send(job!);
    stop.abort();
    await sending;
    expect(sent).toEqual([]);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.ACCEPTED, attempt: 0, next_at: now });
  });

  test("records what became of its request when PostgreSQL is back", async () => {
    const [job] = await planned();
    const { outcomes } = groups();
    let missed = 0;
    const submit = (outcome: Parameters<typeof outcomes.submit>[0]) =>
      ++missed <= 3 ? away() : outcomes.submit(outcome);
    const { send, sent } = senderWith(submitted, { outcomes: { ...outcomes, submit } });
    await send(job!);
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, twilio_sid: "SM1" });
  });
});

describe("a recipient's turn", () => {
  const limiterFor = (max: number) =>
    createMemoryLimiter({ recipientLimit: { max, windowMs: 3_600_000 }, now: () => now.getTime() });
  const isLeft = async (limiter: ReturnType<typeof limiterFor>, job: SendMessageJob): Promise<boolean> => {
    const recipientHash = Buffer.from(job.recipientHash).toString("base64url");
    return (await limiter.acquire({ senderId: "another", messagesPerSecond: 1, recipientHash })).granted;
  };

  test.each<[SendOutcome, boolean]>([
    [{ kind: "throttled", code: 63018, scope: "sender" }, true],
    [{ kind: "throttled", code: 0, scope: "message", retryAfterMs: 0 }, true],
    [{ kind: "paused", code: 20003, scope: "account", message: "" }, true],
    [{ kind: "transient", code: 63009, message: "" }, true],
    [{ kind: "unreachable", message: "no connection" }, true],
    [{ kind: "submitted", sid: "SM1" }, false],
    [{ kind: "unknown", why: "timeout" }, false],
  ])("after %j is left: %s", async (outcome, left) => {
    const [job] = await planned();
    const limiter = limiterFor(1);
    await senderWith(outcome, { limiter }).send(job!);
    expect(await isLeft(limiter, job!)).toBe(left);
  });

  test("is not used up by 429s, however many", async () => {
    const limiter = limiterFor(2);
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      const [job] = (await planned()).filter(({ messageId }) => messageId === batch.messageIds[0]);
      await senderWith({ kind: "throttled", code: 20429, scope: "account", retryAfterMs: 0 }, { limiter }).send(job!);
    }
    const [job] = (await planned()).filter(({ messageId }) => messageId === batch.messageIds[0]);
    const { send, sent } = senderWith({ kind: "submitted", sid: "SM1" }, { limiter });
    await send(job!);
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, attempt: 11, tries: 0 });
  });

  test("is left when the claim is refused, and when it was given back unanswered", async () => {
    const [job] = await planned();
    const limiter = limiterFor(1);
    const never = { drain: () => Promise.resolve(), submit: away };
    const changes = { limiter, claims: never, recoveries: never, sendWindowMs: 100 };
    await senderWith({ kind: "submitted", sid: "SM1" }, changes).send(job!);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.ACCEPTED });
    const { send, sent } = senderWith({ kind: "submitted", sid: "SM1" }, { limiter });
    await send(job!);
    expect(sent).toEqual([]);
    expect(await isLeft(limiter, job!)).toBe(true);
  });
});
