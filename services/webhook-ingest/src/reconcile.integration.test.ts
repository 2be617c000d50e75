import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createLogger, createMetrics } from "@wahub/platform";
import { EventSource, MessageStatus, UnknownPolicy } from "@wahub/proto";
import { readMessage } from "@wahub/store";
import {
  claimAll,
  createTestDatabase,
  loseAll,
  readBalance,
  sampleSender,
  storeSampleBatch,
  type SampleBatch,
  type SampleBatchOptions,
  type TestDatabase,
} from "@wahub/store/testing";
import { createMessageList, type MessageList } from "@wahub/twilio";
import { createAccountRests } from "./account-rests.ts";
import { createWebhookIngestEvents } from "./events.ts";
import { createReconcileRound, type ReconcileDeps } from "./reconcile.ts";
import { startListServer, type ListServer } from "./testing/list-server.ts";

const { ACCEPTED, SENDING, UNKNOWN, SUBMITTED, FAILED } = MessageStatus;
const { ASSUME_SENT, RESEND, HOLD } = UnknownPolicy;
const phone = "+14155550177";
const body = "Your parcel is here";
/** Leases are by the database's clock, so they are made to be over for as long as a test needs. */
const leaseOverMs = 60_000;
const times = { afterMs: 10_000, settleMs: 10_000, deadlineMs: 600_000 };

let db: TestDatabase;
let twilio: ListServer;
let list: MessageList;
/** The time of the rounds; moved on by the tests. */
let now: Date;

beforeAll(async () => {
  db = await createTestDatabase();
  twilio = await startListServer();
  list = createMessageList({
    accounts: [{ sid: sampleSender.accountSid, authToken: "token" }],
    apiBaseUrl: twilio.url,
    maxConnections: 4,
    requestTimeoutMs: 5_000,
  });
});
afterAll(async () => {
  await list.close();
  await twilio.stop();
  await db.drop();
});
beforeEach(async () => {
  await db.store.pool.query("truncate message, message_attempt, message_event");
  twilio.messages.length = 0;
  twilio.status = 200;
  twilio.beforeAnswer = () => undefined;
  now = new Date();
});

/** A replica of the loop. */
function replica(change: Partial<ReconcileDeps> = {}): () => Promise<unknown> {
  const round = createReconcileRound({
    store: db.store,
    list,
    rests: createAccountRests(() => performance.now()),
    mayDecideAbsence: () => Promise.resolve(true),
    events: createWebhookIngestEvents(
      createLogger({ service: "test", level: "silent" }),
      createMetrics({ service: "test" }),
    ),
    now: () => now,
    times,
    concurrency: 4,
    heldForMs: 30_000,
    ...change,
  });
  return () => round(new AbortController().signal);
}

/** Looks, again after the settle time, and so on. */
async function looks(count: number, run = replica()): Promise<void> {
  for (let n = 0; n < count; n++) {
    await run();
    now = new Date(now.getTime() + times.settleMs);
  }
}

/** A batch whose messages have no clear answer. */
async function lost(options: Partial<SampleBatchOptions> = {}, leaseMs = -leaseOverMs): Promise<SampleBatch> {
  const createdAt = new Date(Date.now() - leaseOverMs - 30_000);
  const batch = await storeSampleBatch(db.store, { createdAt, recipients: [phone], body, ...options });
  await loseAll(db.store, batch, createdAt, leaseMs);
  return batch;
}

let sids = 0;
/** Twilio took a message after all. */
function taken(to = phone, change: Partial<ListServer["messages"][number]> = {}): string {
  const sid = `SM${(++sids).toString(16).padStart(32, "0")}`;
  const createdAt = new Date(Date.now() - leaseOverMs - 15_000);
  twilio.messages.unshift({ sid, from: sampleSender.phone, to, createdAt, body, ...change });
  return sid;
}

const read = async (batch: SampleBatch, n = 0) =>
  (await readMessage(db.store.pool, batch.tenantId, batch.messageIds[n]!))!;

async function expectStored(batch: SampleBatch, stored: Readonly<Record<string, number>>): Promise<void> {
  const balance = await readBalance(db.store, batch.id);
  expect(balance).toMatchObject({ counted: balance.stored });
  expect(balance.stored).toEqual(stored);
}

describe("a message without a clear answer", () => {
  test("that Twilio took is found in its list and bound, with what has become of it since", async () => {
    const batch = await lost({ recipients: [phone, "+14155550178"] });
    const sid = taken();
    taken("+14155550178", { status: "failed", errorCode: 63016 });
    await looks(1);
    expect(await read(batch)).toMatchObject({ status: SUBMITTED, twilioSid: sid, evidence: EventSource.LIST });
    expect(await read(batch, 1)).toMatchObject({ status: FAILED, errorCode: 63016 });
    await expectStored(batch, { [SUBMITTED]: 1, [`${FAILED}/63016`]: 1 });
  });

  test("that Twilio does not have goes out again after the second look, and only then", async () => {
    const batch = await lost();
    await looks(1);
    now = new Date(now.getTime() - 1); // a moment before the second look
    await replica()();
    await expectStored(batch, { [UNKNOWN]: 1 });
    now = new Date(now.getTime() + 1);
    await looks(1);
    await expectStored(batch, { [ACCEPTED]: 1 });
    await looks(2);
    expect((await claimAll(db.store, batch, now)).map(({ attempt }) => attempt)).toEqual([2]);
    expect(twilio.asked).toBeGreaterThanOrEqual(2);
  });

  test("that the list shows late is found by the second look", async () => {
    const batch = await lost();
    await looks(1);
    const sid = taken();
    await looks(1);
    expect(await read(batch)).toMatchObject({ status: SUBMITTED, twilioSid: sid, attempt: 1 });
  });

  test("is not looked for before its lease is over and the list has had its time", async () => {
    const before = twilio.asked;
    await lost({}, 60_000);
    await lost({ recipients: ["+14155550179"] }, -times.afterMs + 5_000);
    await looks(1);
    expect(twilio.asked).toBe(before);
  });

  test("is not absent while outcomes of ours wait to be recorded", async () => {
    const batch = await lost();
    await looks(4, replica({ mayDecideAbsence: () => Promise.resolve(false) }));
    await expectStored(batch, { [UNKNOWN]: 1 });
    await looks(2);
    await expectStored(batch, { [ACCEPTED]: 1 });
  });

  test("is not mixed up with messages of others, other times and other texts, over several pages", async () => {
    const batch = await lost();
    const known = await lost({ recipients: ["+14155550178"] });
    taken("+14155550178");
    await looks(1);
    const [{ sid } = { sid: "" }] = twilio.messages;
    twilio.messages.push({ ...twilio.messages[0]!, to: phone, sid }); // bound to another message of ours
    for (let n = 0; n < 5; n++) taken(phone, { createdAt: new Date(Date.now() - 3_600_000) });
    taken(phone, { body: "Something else" });
    await looks(1);
    await expectStored(batch, { [ACCEPTED]: 1 });
    await expectStored(known, { [SUBMITTED]: 1 });
  });
});

describe("two messages to one person", () => {
  test("that are both in the list are both found", async () => {
    const batches = [await lost(), await lost()];
    const both = [taken(), taken()];
    await looks(1);
    const messages = await Promise.all(batches.map((batch) => read(batch)));
    expect(messages.map(({ status }) => status)).toEqual([SUBMITTED, SUBMITTED]);
    expect(new Set(messages.map(({ twilioSid }) => twilioSid))).toEqual(new Set(both));
  });

  test("of which one is in the list are nobody's to tell apart: each follows its batch's policy", async () => {
    const [assumed, held] = [await lost(), await lost({ unknownPolicy: HOLD })];
    taken();
    await looks(2);
    expect(await read(assumed)).toMatchObject({
      status: SUBMITTED,
      evidence: EventSource.ASSUMED,
      twilioSid: undefined,
    });
    expect(await read(held)).toMatchObject({ status: UNKNOWN });
    await looks(2);
    await expectStored(held, { [UNKNOWN]: 1 });
  });

  test("with different texts are told apart", async () => {
    const [first, second] = [await lost(), await lost({ body: "Pay your invoice" })];
    const sid = taken();
    await looks(2);
    expect(await read(first)).toMatchObject({ status: SUBMITTED, twilioSid: sid });
    await expectStored(second, { [ACCEPTED]: 1 });
  });

  test("are not decided about while one of them is on its way", async () => {
    const batch = await lost();
    const other = await storeSampleBatch(db.store, { createdAt: new Date(), recipients: [phone], body });
    await claimAll(db.store, other, new Date());
    await looks(3);
    await expectStored(batch, { [UNKNOWN]: 1 });
    await expectStored(other, { [SENDING]: 1 });
  });

  test("what was only assumed, or given up, may be the message in the list: nobody is left out for it", async () => {
    const earlier = await lost();
    await db.store.pool.query("update message set evidence = 5, status = 5, reconcile_at = null");
    const batch = await lost({ unknownPolicy: HOLD });
    taken();
    await looks(2);
    expect(await read(batch)).toMatchObject({ status: UNKNOWN });
    expect(await read(earlier)).toMatchObject({ evidence: EventSource.ASSUMED });
  });
});

describe("a number that is written in two ways", () => {
  const [short, long] = ["+551187654321", "+5511987654321"];

  test("is found under either", async () => {
    const batch = await lost({ recipients: [long] });
    const sid = taken(short);
    await looks(1);
    expect(await read(batch)).toMatchObject({ status: SUBMITTED, twilioSid: sid });
  });

  test("is never absent: what is not found follows the policy", async () => {
    const batches = [
      await lost({ recipients: [long] }),
      await lost({ recipients: ["+525512345678"], unknownPolicy: HOLD }),
    ];
    await looks(3);
    await expectStored(batches[0]!, { [SUBMITTED]: 1 });
    await expectStored(batches[1]!, { [UNKNOWN]: 1 });
  });
});

describe("a list that cannot be had", () => {
  test("is asked for again until the deadline; then the policies decide", async () => {
    const batches = {
      assume: await lost({ unknownPolicy: ASSUME_SENT }),
      hold: await lost({ unknownPolicy: HOLD, recipients: ["+14155550178"] }),
      resend: await lost({ unknownPolicy: RESEND, validityS: 30, recipients: ["+14155550179"] }),
      patient: await lost({ unknownPolicy: RESEND, validityS: 36_000, recipients: ["+14155550180"] }),
    };
    twilio.status = 503;
    await looks(3);
    for (const batch of Object.values(batches)) await expectStored(batch, { [UNKNOWN]: 1 });

    // Not asked is not refused: an account that rests is nobody's end.
    now = new Date(now.getTime() + times.deadlineMs);
    await replica({ rests: { leftMs: () => 1_000, note: () => 1_000 } })();
    for (const batch of Object.values(batches)) await expectStored(batch, { [UNKNOWN]: 1 });

    now = new Date(now.getTime() + 60_000);
    await replica()();
    expect(await read(batches.assume)).toMatchObject({ status: SUBMITTED, evidence: EventSource.ASSUMED });
    await expectStored(batches.hold, { [UNKNOWN]: 1 });
    await expectStored(batches.resend, { [ACCEPTED]: 1 });
    await expectStored(batches.patient, { [UNKNOWN]: 1 });

    // The list is back: what has been decided stays, and what still waits is found out.
    twilio.status = 200;
    const sid = taken("+14155550180");
    now = new Date(now.getTime() + 36_000_000);
    await replica()();
    expect(await read(batches.patient)).toMatchObject({ status: SUBMITTED, twilioSid: sid });
    await expectStored(batches.hold, { [UNKNOWN]: 1 });
  });

  test("once, after it could be had or was never asked for, is no reason to give up", async () => {
    const batch = await lost();
    await db.store.pool.query("update message set lease_until = lease_until - interval '1 day'");
    twilio.status = 503;
    await replica()();
    await expectStored(batch, { [UNKNOWN]: 1 });
    twilio.status = 200;
    now = new Date(now.getTime() + times.deadlineMs);
    await replica({ mayDecideAbsence: () => Promise.resolve(false) })();
    twilio.status = 503;
    now = new Date(now.getTime() + times.settleMs);
    await replica()();
    await expectStored(batch, { [UNKNOWN]: 1 });
  });

  test("gives its account a rest instead of being asked for each message", async () => {
    for (let n = 0; n < 12; n++) await lost({ recipients: [`+1415555${String(1000 + n)}`] });
    twilio.status = 429;
    const before = twilio.asked;
    await replica({ concurrency: 2 })();
    expect(twilio.asked - before).toBeLessThanOrEqual(2);
  });
});

describe("several replicas", () => {
  test("at once decide each message once", async () => {
    const recipients = Array.from({ length: 20 }, (_, n) => `+1415555${String(2000 + n)}`);
    const batch = await lost({ recipients });
    for (const to of recipients.slice(0, 10)) taken(to);
    const run = Promise.all([1, 2, 3].map(() => looks(1)));
    await run;
    for (let n = 0; n < 6; n++) {
      now = new Date(now.getTime() + 40_000);
      await Promise.all([1, 2, 3].map(() => replica()()));
    }
    await expectStored(batch, { [SUBMITTED]: 10, [ACCEPTED]: 10 });
    const { rows } = await db.store.pool.query("select count(*)::int as n from message_attempt");
    expect(rows).toEqual([{ n: 10 }]);
  });

  test("that look at the same message at the same moment count one absence", async () => {
    const batch = await lost();
    let together = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    twilio.beforeAnswer = () => (++together === 2 ? resolve() : promise);
    const first = replica()();
    now = new Date(now.getTime() + 60_000); // the first has taken too long: the second takes the message as well
    await new Promise((later) => setTimeout(later, 50));
    await Promise.all([first, replica()()]);
    twilio.beforeAnswer = () => undefined;
    const { rows } = await db.store.pool.query("select absences, status from message");
    expect(rows).toEqual([{ absences: 1, status: UNKNOWN }]);
    await expectStored(batch, { [UNKNOWN]: 1 });
  });

  test("of which one is slow do not take two lists of the same moment for two looks", async () => {
    const batch = await lost();
    const { promise: slow, resolve: goOn } = Promise.withResolvers<void>();
    const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
    const first = replica({
      list: {
        ...list,
        async list(request) {
          const listing = await list.list(request);
          asked();
          await slow;
          return listing;
        },
      },
    })();
    await isAsked;
    now = new Date(now.getTime() + 30_000); // the first has taken too long
    await replica()();
    goOn();
    await first;
    await expectStored(batch, { [UNKNOWN]: 1 });
    const { rows } = await db.store.pool.query("select absences, reconcile_at from message");
    expect(rows).toEqual([{ absences: 1, reconcile_at: new Date(now.getTime() + times.settleMs) }]);
  });

  test("go on beside a look that fails, and the round says so when all are over", async () => {
    await lost({ recipients: [phone, "+14155550178"] });
    let asked = 0;
    const mayDecideAbsence = async (): Promise<boolean> => {
      if (++asked === 1) throw new Error("no answer");
      await new Promise((later) => setTimeout(later, 100));
      return true;
    };
    await expect(replica({ mayDecideAbsence })()).rejects.toThrow("no answer");
    const { rows } = await db.store.pool.query("select absences from message order by 1");
    expect(rows).toEqual([{ absences: 0 }, { absences: 1 }]);
  });

  test("go on with what one leaves behind that dies between verdict and record", async () => {
    const batch = await lost();
    await looks(1);
    const dies = replica({ mayDecideAbsence: () => Promise.reject(new Error("killed")) });
    await expect(dies()).rejects.toThrow("killed");
    await expectStored(batch, { [UNKNOWN]: 1 });
    now = new Date(now.getTime() + 30_000);
    await replica()();
    await expectStored(batch, { [ACCEPTED]: 1 });
  });

  test("decide nothing about a message that has changed meanwhile", async () => {
    const batch = await lost();
    await looks(1);
    twilio.beforeAnswer = async () => {
      await db.store.pool.query("update message set status = 5, twilio_sid = 'SMx', evidence = 3");
    };
    await looks(1);
    expect(await read(batch)).toMatchObject({ status: SUBMITTED, twilioSid: "SMx", attempt: 1 });
  });
});
