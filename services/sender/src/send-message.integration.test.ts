import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { HubError, type OutgoingMessage, type SendOutcome } from "@wahub/domain";
import { createMemoryLimiter } from "@wahub/limits";
import { createLogger, createMetrics } from "@wahub/platform";
import { MessageStatus } from "@wahub/proto";
import { SendMessageJobSchema, type SendMessageJob } from "@wahub/proto/jobs";
import { claimMessages, planSender } from "@wahub/store";
import {
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "@wahub/store/testing";
import { createSenderEvents } from "./events.ts";
import { createMessageGroups } from "./message-groups.ts";
import { createSendMessage, type SendMessageDeps } from "./send-message.ts";

const now = new Date("2026-03-01T12:00:00Z");
let db: TestDatabase;
let batch: SampleBatch;
let sent: OutgoingMessage[];

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 3, body: "Hello" });
  sent = [];
});
afterEach(() => db.drop());

/** The real thing, but for a Twilio that answers as the test says and a limiter on the test's clock. */
function senderWith(outcome: SendOutcome, recipientMax = 50, overrides: Partial<SendMessageDeps> = {}) {
  return createSendMessage({
    ...createMessageGroups(db.store, { now: () => now, leaseMs: 60_000 }),
    limiter: createMemoryLimiter({
      recipientLimit: { max: recipientMax, windowMs: 3_600_000 },
      now: () => now.getTime(),
    }),
    provider: {
      send: async (message) => {
        sent.push(message);
        return outcome;
      },
    },
    events: createSenderEvents(
      createLogger({ service: "sender", level: "silent" }),
      createMetrics({ service: "sender" }),
    ),
    now: () => now,
    random: () => 0.5,
    policy: { retry: { delaysMs: [60_000] }, throttledMs: 4_000 },
    actOnOutcome: async () => {},
    maxHoldMs: 2_000,
    sendWindowMs: 10_000,
    recordForMs: 1_000,
    ...overrides,
  });
}

const groups = () => createMessageGroups(db.store, { now: () => now, leaseMs: 60_000 });
const away = () => Promise.reject(new HubError("unavailable", "the database cannot be reached at the moment"));

async function planned(): Promise<SendMessageJob[]> {
  const messages = await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 });
  return messages.map((m) => create(SendMessageJobSchema, { ...m, recipientHash: Uint8Array.from(m.recipientHash) }));
}
const row = async (id: string) =>
  (await db.store.pool.query("select * from message where id = $1", [id])).rows[0] as Record<string, unknown>;

describe("a job", () => {
  test("claims its message, sends it and records the SID", async () => {
    const [job] = await planned();
    await senderWith({ kind: "submitted", sid: "SM1" })(job!);
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
    const send = senderWith({ kind: "submitted", sid: "SM1" });
    await Promise.all([send(job!), send(job!), send(job!)]);
    await send(job!);
    expect(sent).toHaveLength(1);
  });

  test("of a recipient at its limit waits in the database and spends nothing", async () => {
    const [first, second] = await planned();
    const send = senderWith({ kind: "submitted", sid: "SM1" }, 1);
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
    const send = senderWith({ kind: "unknown", why: "timeout" });
    await send(job!);
    await send(job!);
    await send({ ...job!, attempt: 2 });
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.UNKNOWN, error_message: "timeout" });
  });

  test("that fails for a passing reason comes again until its tries are used up", async () => {
    const [job] = await planned();
    const send = senderWith({ kind: "transient", code: 0, message: "connection refused" });
    await send(job!);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.ACCEPTED, tries: 1 });
    await db.store.pool.query("update message set status = 2, next_at = $2 where id = $1", [job!.messageId, now]);
    await send({ ...job!, attempt: 2 });
    expect(await row(job!.messageId)).toMatchObject({
      status: MessageStatus.FAILED,
      error_message: "connection refused",
    });
    expect(sent).toHaveLength(2);
  });
});

describe("a job while PostgreSQL or Redis goes away", () => {
  const submitted = { kind: "submitted", sid: "SM1" } as const;

  test.each([
    ["was granted", 1],
    ["was not granted", 0],
  ])("whose claim is not answered and %s sends nothing; its message is planned anew at once", async (how, attempt) => {
    const [job] = await planned();
    const { claims, outcomes, deferrals } = groups();
    let missed = 0;
    const outage = <T>(back: () => Promise<T>): Promise<T> => (++missed <= 3 ? away() : back());
    const send = senderWith(submitted, 50, {
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
    await senderWith(submitted)(again!);
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, attempt: attempt + 1 });
  });

  test("whose claim commits only after it was given up sends nothing, and its message is planned anew", async () => {
    const [job] = await planned();
    const client = await db.store.pool.connect();
    const { claims } = groups();
    const deferrals = groups().deferrals;
    const send = senderWith(submitted, 50, {
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
    await senderWith(submitted, 50, { limiter: { acquire: away } })(job!);
    expect(sent).toEqual([]);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.ACCEPTED, attempt: 0, tries: 0 });
  });

  test("records what became of its request when PostgreSQL is back", async () => {
    const [job] = await planned();
    const { outcomes } = groups();
    let missed = 0;
    const submit = (outcome: Parameters<typeof outcomes.submit>[0]) =>
      ++missed <= 3 ? away() : outcomes.submit(outcome);
    await senderWith(submitted, 50, { outcomes: { ...outcomes, submit } })(job!);
    expect(sent).toHaveLength(1);
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SUBMITTED, twilio_sid: "SM1" });
  });

  test("gives up when its lease would be over; nobody sends the message again by guessing", async () => {
    const [job] = await planned();
    const send = senderWith(submitted, 50, {
      outcomes: { ...groups().outcomes, submit: away },
      recordForMs: 100,
    });
    await expect(send(job!)).rejects.toMatchObject({ kind: "unavailable" });
    expect(await row(job!.messageId)).toMatchObject({ status: MessageStatus.SENDING, attempt: 1 });
  });
});
