import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { DEFAULT_KNOBS } from "../knobs/knobs.ts";
import { SENDER, VALID, startSim } from "../testing/running-sim.ts";
import type { RunningSim } from "../testing/running-sim.ts";
import type { LedgerPage } from "./ledger-entry.ts";

let sim: RunningSim;
beforeAll(async () => {
  sim = await startSim({ knobs: { readShare: 1 } });
});
beforeEach(async () => {
  await fetch(`${sim.origin}/sim/reset`, { method: "POST" });
});
afterAll(() => sim.stop());

/** How many messages match in all, and the texts of those on the page. */
async function bodies(query: string): Promise<readonly [number, readonly string[]]> {
  const { total, messages } = (await sim.get(`/sim/ledger?${query}`)).body as unknown as LedgerPage;
  return [total, messages.map(({ body }) => body)];
}

describe("the simulator's own endpoints", () => {
  test("say that it is well", async () => {
    expect((await sim.get("/sim/health")).body).toEqual({ status: "ok" });
  });

  test("show the ledger in the order of acceptance, in pages and by recipient", async () => {
    for (let n = 0; n < 6; n += 1)
      await sim.create({ To: `whatsapp:+1212555010${n % 2}`, From: SENDER, Body: `no ${n}` });
    expect(await bodies("")).toEqual([6, ["no 0", "no 1", "no 2", "no 3", "no 4", "no 5"]]);
    expect(await bodies("offset=4&limit=10000")).toEqual([6, ["no 4", "no 5"]]);
    for (const to of ["whatsapp%3A%2B12125550101", "%2B12125550101", "+12125550101"]) {
      expect(await bodies(`to=${to}&limit=2&offset=1`)).toEqual([3, ["no 3", "no 5"]]);
    }
    expect(await bodies("to=%2B12125550199")).toEqual([0, []]);
    for (const query of ["limit=10001", "limit=0", "offset=-1", "offset=x"]) {
      expect((await sim.get(`/sim/ledger?${query}`)).status).toBe(400);
    }
  });

  test("show everything about a message", async () => {
    await sim.create({ ...VALID, StatusCallback: "https://example.com/hook" });
    sim.clock.advance(10_000);
    const [entry] = (await sim.ledger()).messages;
    expect(entry).toMatchObject({
      sid: expect.stringMatching(/^SM/),
      to: VALID.To,
      from: SENDER,
      body: VALID.Body,
      statusCallback: "https://example.com/hook",
      acceptedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      status: "read",
      errorCode: null,
    });
    expect(entry!.statusHistory.map(({ status }) => status)).toEqual(["queued", "sent", "delivered", "read"]);
    expect(entry!.callbacks).toHaveLength(3);
  });

  test("count what was accepted and what was refused, and say when all is done", async () => {
    await sim.create(VALID);
    await sim.create({ ...VALID, Body: "" });
    await sim.create({ ...VALID, To: "" });
    expect(await sim.stats()).toMatchObject({
      creates: 3,
      accepted: 1,
      refused: { 21604: 1, 21619: 1 },
      statuses: { queued: 1, read: 0 },
      waiting: 1,
      idle: false,
    });
    sim.clock.advance(10_000);
    expect(await sim.stats()).toMatchObject({ statuses: { queued: 0, read: 1 }, waiting: 0, idle: true });
  });

  test("wait until all is done, where they are asked to", async () => {
    await sim.create(VALID);
    expect(await sim.stats()).toMatchObject({ idle: false });
    let isAnswered = false;
    const answer = sim.get("/sim/stats?waitIdleMs=60000").finally(() => (isAnswered = true));
    while (!isAnswered) {
      sim.clock.advance(1_000);
      await new Promise(setImmediate);
    }
    expect((await answer).body).toMatchObject({ waiting: 0, idle: true });
    for (const asked of ["-1", "soon", "60001", ""]) {
      expect((await sim.get(`/sim/stats?waitIdleMs=${asked}`)).status).toBe(400);
    }
  });

  test("forget everything on reset, what waits included, and put the knobs back", async () => {
    await sim.create({ ...VALID, StatusCallback: "https://example.com/hook" });
    await sim.turn({ latencyMs: 7 });
    expect((await fetch(`${sim.origin}/sim/reset`, { method: "POST" })).status).toBe(200);
    sim.clock.advance(10_000);
    expect(await sim.stats()).toMatchObject({ creates: 0, accepted: 0, idle: true, callbacks: { refusedHost: 0 } });
    expect((await sim.get("/sim/config")).body).toEqual({ ...DEFAULT_KNOBS, readShare: 1 });
  });

  test("turn knobs, all of a request or none", async () => {
    expect((await sim.turn({ latencyMs: 1, speed: 100 })).body).toMatchObject({
      latencyMs: 1,
      speed: 100,
      readShare: 1,
    });
    const refused = await sim.turn({ speed: 2, latencyMs: -1, colour: "red" } as never);
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual({
      error: "bad_request",
      faults: [expect.stringContaining("latencyMs must be"), expect.stringContaining('unknown knob "colour"')],
    });
    expect((await sim.get("/sim/config")).body).toMatchObject({ latencyMs: 1, speed: 100 });
  });

  test("refuse what is no JSON", async () => {
    const response = await fetch(`${sim.origin}/sim/config`, { method: "PATCH", body: "{latencyMs" });
    expect(response.status).toBe(400);
  });

  test("are not more than these", async () => {
    expect((await sim.get("/sim/secrets")).status).toBe(404);
  });
});
