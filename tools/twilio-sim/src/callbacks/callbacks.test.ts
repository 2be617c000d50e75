import { afterEach, describe, expect, test } from "@jest/globals";
import webhooks from "twilio/lib/webhooks/webhooks.js";
import { startReceiver } from "../testing/receiver.ts";
import { VALID, startSim } from "../testing/running-sim.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { Received, Receiver } from "../testing/receiver.ts";
import type { RunningSim } from "../testing/running-sim.ts";

const LONG_ENOUGH_MS = 10_000;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function scene(knobs: Partial<Knobs> = {}): Promise<{ sim: RunningSim; receiver: Receiver }> {
  const receiver = await startReceiver();
  closers.push(() => receiver.close());
  const sim = await startSim({ knobs: { readShare: 1, ...knobs }, authTokens: ["first", "second"] });
  closers.push(() => sim.stop());
  return { sim, receiver };
}

/** Creates `count` messages that call back to `receiver`, and lets them run to their ends. */
async function sendAll(sim: RunningSim, receiver: Receiver, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1)
    await sim.create({ ...VALID, StatusCallback: `${receiver.origin}/hook?m=${n}#rc=1` });
  sim.clock.advance(LONG_ENOUGH_MS);
}

function statusOf({ form }: Received): string {
  return form["MessageStatus"] ?? "";
}

describe("the callbacks of a message", () => {
  test("tell of sent, delivered and read, each signed with the first token", async () => {
    const { sim, receiver } = await scene();
    await sendAll(sim, receiver, 1);
    const received = await receiver.arrivals(3);
    expect(received.map(statusOf).toSorted()).toEqual(["delivered", "read", "sent"]);
    const { sid } = (await sim.ledger()).messages[0]!;
    for (const { form, headers, url } of received) {
      expect(form).toMatchObject({ MessageSid: sid, SmsSid: sid, To: VALID.To, From: VALID.From });
      expect(headers).toMatchObject({
        "user-agent": "TwilioProxy/1.1",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "i-twilio-idempotency-token": expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      const signature = String(headers["x-twilio-signature"]);
      expect(url).toBe("/hook?m=0");
      expect(webhooks.validateRequest("first", signature, receiver.origin + url, { ...form })).toBe(true);
    }
    expect(new Set(received.map(({ headers }) => headers["i-twilio-idempotency-token"])).size).toBe(3);
  });

  test("never come for a message without StatusCallback, whose status moves all the same", async () => {
    const { sim } = await scene();
    await sim.create(VALID);
    sim.clock.advance(LONG_ENOUGH_MS);
    expect((await sim.ledger()).messages[0]).toMatchObject({ status: "read", callbacks: [] });
    expect((await sim.stats()).idle).toBe(true);
  });

  test("carry the code of a failure that was asked for", async () => {
    const { sim, receiver } = await scene({ failTo: { "+12125550101": { code: 63024, as: "failed" } } });
    await sendAll(sim, receiver, 1);
    const [only] = await receiver.arrivals(1);
    expect(only!.form).toMatchObject({ MessageStatus: "failed", SmsStatus: "failed", ErrorCode: "63024" });
    const { sid } = (await sim.ledger()).messages[0]!;
    const resource = await sim.get(sim.messagesPath.replace(".json", `/${sid}.json`));
    expect(resource.body).toMatchObject({
      status: "failed",
      error_code: 63024,
      error_message: "Invalid message recipient",
      date_sent: null,
    });
  });

  test("are not posted when they are dropped, and the ledger says so", async () => {
    const { sim, receiver } = await scene({ dropShare: 1 });
    await sendAll(sim, receiver, 2);
    const { callbacks } = (await sim.ledger()).messages[0]!;
    expect(callbacks).toEqual(
      ["sent", "delivered", "read"].map((status) => ({ status, result: "dropped", attempts: 0 })),
    );
    expect(await sim.stats()).toMatchObject({ idle: true, callbacks: { dropped: 6, posted: 0 } });
    expect(receiver.received).toEqual([]);
  });

  test("never come for a message that stays silent, and all come for the others", async () => {
    const { sim, receiver } = await scene({ silentShare: 0.5 });
    await sendAll(sim, receiver, 20);
    const { messages } = await sim.ledger();
    const dropped = messages.map(({ callbacks }) => callbacks.filter(({ result }) => result === "dropped").length);
    expect(new Set(dropped)).toEqual(new Set([0, 3]));
    await receiver.arrivals(3 * dropped.filter((count) => count === 0).length);
  });

  test("come twice with the same token when they are duplicated", async () => {
    const { sim, receiver } = await scene({ duplicateShare: 1 });
    await sendAll(sim, receiver, 1);
    const received = await receiver.arrivals(6);
    const seen = received.map((one) => `${statusOf(one)} ${String(one.headers["i-twilio-idempotency-token"])}`);
    expect(new Set(seen).size).toBe(3);
  });

  test("come in another order when they are shuffled", async () => {
    const { sim, receiver } = await scene({ shuffleShare: 1 });
    await sendAll(sim, receiver, 20);
    const received = await receiver.arrivals(60);
    for (let n = 0; n < 20; n += 1) {
      const mine = received.filter(({ url }) => url === `/hook?m=${n}`).map(statusOf);
      expect(mine.toSorted()).toEqual(["delivered", "read", "sent"]);
      expect(mine).not.toEqual(["sent", "delivered", "read"]);
    }
  });

  test("never leave this machine", async () => {
    const { sim } = await scene();
    await sim.create({ ...VALID, StatusCallback: "https://example.com/hook" });
    sim.clock.advance(LONG_ENOUGH_MS);
    expect((await sim.stats()).callbacks).toMatchObject({ refusedHost: 3, posted: 0, pending: 0 });
    expect((await sim.ledger()).messages[0]!.callbacks[0]).toEqual({
      status: "sent",
      result: "refused_host",
      attempts: 0,
    });
  });

  test("of many messages all arrive", async () => {
    const { sim, receiver } = await scene();
    await sendAll(sim, receiver, 200);
    const received = await receiver.arrivals(600);
    expect(new Set(received.map((one) => `${one.url} ${statusOf(one)}`)).size).toBe(600);
    expect((await sim.stats()).statuses).toMatchObject({ read: 200 });
  });
});
