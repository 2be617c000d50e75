import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { CREATE_FAULTS, CREATE_FAULT_NAMES } from "../knobs/create-faults.ts";
import { startReceiver } from "../testing/receiver.ts";
import { RECIPIENT, SENDER, VALID, startSim } from "../testing/running-sim.ts";
import type { FaultPage } from "../sim-api/get-faults.ts";
import type { RunningSim } from "../testing/running-sim.ts";

let sim: RunningSim;
beforeAll(async () => {
  sim = await startSim();
});
afterEach(async () => {
  await fetch(`${sim.origin}/sim/reset`, { method: "POST" });
});
afterAll(() => sim.stop());

/** What a client sees: the status and the body of the answer, or why there is none. */
async function post(form: Readonly<Record<string, string>> = VALID, patienceMs = 5_000): Promise<string> {
  const credentials = Buffer.from(`${sim.config.accountSid}:${sim.config.authTokens[0]}`).toString("base64");
  let seen = "";
  try {
    const response = await fetch(sim.origin + sim.messagesPath, {
      method: "POST",
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(patienceMs),
    });
    seen = `${response.status} `;
    return seen + (await response.text());
  } catch (error) {
    const { cause, name } = error as Error;
    return `${seen}${name === "TimeoutError" ? "timeout" : String((cause as { code?: string } | undefined)?.code)}`;
  }
}

async function faults(): Promise<FaultPage["faults"]> {
  return ((await sim.get("/sim/faults")).body as unknown as FaultPage).faults;
}

/** Resolves when so many messages have been accepted. */
async function accepted(count: number): Promise<void> {
  while ((await sim.ledger()).total < count);
}

describe("a create that meets a fault", () => {
  test.each([
    ["429", /^429 .*20429/],
    ["63038", /^429 .*63038/],
    ["401", /^401 .*20003/],
    ["500", /^500 .*20500/],
    ["503", /^503 .*20503/],
    ["html502", /^502 <html>/],
    ["empty503", /^503 $/],
    ["reset", /^(ECONNRESET|UND_ERR_SOCKET|EPIPE)$/],
    ["acceptedReset", /^(ECONNRESET|UND_ERR_SOCKET)$/],
    ["accepted500", /^500 .*20500/],
    ["acceptedHtml502", /^502 <html>/],
    ["acceptedEmpty503", /^503 $/],
    ["acceptedTruncated", /^201 UND_ERR_SOCKET/],
    ["acceptedNoJson", /^201 <html>/],
  ] as const)("%s sees %s, and the ledger knows whether it was accepted", async (fault, expected) => {
    await sim.turn({ [CREATE_FAULTS[fault]]: 1 });
    expect(await post()).toMatch(expected);
    const { messages } = await sim.ledger();
    const isAccepted = fault.startsWith("accepted");
    expect(messages.map((message) => message.faults)).toEqual(isAccepted ? [[fault]] : []);
    expect(await faults()).toEqual([
      {
        fault,
        n: 0,
        at: expect.any(String),
        to: fault === "reset" ? null : RECIPIENT,
        statusCallback: null,
        sid: isAccepted ? messages[0]!.sid : null,
      },
    ]);
    expect((await sim.stats()).faults).toEqual({ [fault]: 1 });
  });

  test.each([
    ["hang", 0],
    ["acceptedHang", 1],
  ] as const)("%s is never answered", async (fault, count) => {
    await sim.turn({ [CREATE_FAULTS[fault]]: 1 });
    expect(await post(VALID, 300)).toBe("timeout");
    expect((await sim.ledger()).total).toBe(count);
  });

  test("meets it as often as all shares together say, and the same one in each run", async () => {
    const run = async (): Promise<readonly string[]> => {
      await fetch(`${sim.origin}/sim/reset`, { method: "POST" });
      const shares = CREATE_FAULT_NAMES.filter((name) => !name.toLowerCase().includes("hang"));
      await sim.turn(Object.fromEntries(shares.map((name) => [CREATE_FAULTS[name], 1 / shares.length])));
      for (let n = 0; n < 60; n += 1) await post();
      return (await faults()).map(({ fault }) => fault);
    };
    const first = await run();
    expect(first).toHaveLength(60);
    expect(new Set(first).size).toBeGreaterThan(8);
    expect(await run()).toEqual(first);
  });

  test("meets the one that failNext asks for, once", async () => {
    await sim.turn({ failNext: [{ fault: "acceptedHtml502", to: RECIPIENT }] });
    expect(await post({ ...VALID, To: "whatsapp:+12125550102" })).toMatch(/^201/);
    expect(await post()).toMatch(/^502/);
    expect(await post()).toMatch(/^201/);
    expect((await sim.ledger()).messages.map((message) => message.faults)).toEqual([[], ["acceptedHtml502"], []]);
  });

  test("is told when to come back as often as the share says", async () => {
    await sim.turn({ rate429: 1, retryAfterS: 2, retryAfterShare: 0.5 });
    const told: (string | null)[] = [];
    for (let n = 0; n < 20; n += 1) told.push((await sim.create(VALID)).headers.get("retry-after"));
    expect(new Set(told)).toEqual(new Set(["2", null]));
  });
});

describe("a sender with a speed", () => {
  test("refuses with 21611 what does not fit in its queue, and sends the rest one by one", async () => {
    await sim.turn({ senderPerSecond: 1, senderQueue: 2, sentDelayMs: 0, readShare: 0 });
    const statuses: unknown[] = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await sim.create(VALID)).body["code"] ?? "accepted");
    expect(statuses).toEqual(["accepted", "accepted", 21611]);
    sim.clock.advance(100);
    expect((await sim.stats()).statuses).toMatchObject({ queued: 1, sent: 1 });
    sim.clock.advance(900);
    expect((await sim.stats()).statuses).toMatchObject({ queued: 0 });
  });

  test("fails with 30036 what waits longer than its ValidityPeriod", async () => {
    await sim.turn({ senderPerSecond: 0.1 });
    await sim.create(VALID);
    await sim.create({ ...VALID, ValidityPeriod: "5" });
    sim.clock.advance(5_000);
    expect((await sim.ledger()).messages[1]).toMatchObject({ status: "failed", errorCode: 30036 });
  });
});

describe("a callback that comes first", () => {
  test("has ended before the create is answered, whatever the answer", async () => {
    const receiver = await startReceiver();
    try {
      await sim.turn({ callbackFirstShare: 1, failNext: [{ fault: "acceptedReset", times: 1 }] });
      for (const [n, expected] of [/^(ECONNRESET|UND_ERR_SOCKET)$/, /^201/].entries()) {
        let answered = false;
        const answer = post({ ...VALID, StatusCallback: `${receiver.origin}/hook` }).finally(() => (answered = true));
        await accepted(n + 1);
        expect(answered).toBe(false);
        sim.clock.advance(1_000);
        expect(await answer).toMatch(expected);
        expect(receiver.received.length).toBeGreaterThan(0);
      }
      expect((await sim.ledger()).messages.map((message) => message.faults)).toEqual([
        ["callbackFirst", "acceptedReset"],
        ["callbackFirst"],
      ]);
    } finally {
      await receiver.close();
    }
  });

  test("keeps an answer waiting for 5 seconds at most", async () => {
    await sim.turn({ callbackFirstShare: 1, sentDelayMs: 3_600_000 });
    const answer = sim.create({ ...VALID, From: SENDER, StatusCallback: "http://127.0.0.1:9/hook" });
    await accepted(1);
    sim.clock.advance(5_000);
    expect((await answer).status).toBe(201);
  });
});
