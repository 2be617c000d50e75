import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { SENDER, VALID, startSim } from "../testing/running-sim.ts";
import type { RunningSim } from "../testing/running-sim.ts";

const WITH_NINE = "whatsapp:+5511987654321";
const WITHOUT_NINE = "whatsapp:+551187654321";

let sim: RunningSim;
beforeAll(async () => {
  sim = await startSim();
});
afterEach(async () => {
  await fetch(`${sim.origin}/sim/reset`, { method: "POST" });
});
afterAll(() => sim.stop());

/** The recipients in a list, newest first. */
async function listed(query = ""): Promise<readonly unknown[]> {
  const { body } = await sim.get(`${sim.messagesPath}?${query}`);
  return (body["messages"] as { to: string }[]).map((message) => message.to);
}

function to(address: string): string {
  return `To=${encodeURIComponent(address)}`;
}

describe("a list that misbehaves", () => {
  test("shows messages only after its lag, and the ledger knows which", async () => {
    await sim.turn({ listLagMs: 1_000 });
    await sim.create(VALID);
    expect(await listed()).toEqual([]);
    sim.clock.advance(999);
    expect(await listed(to(VALID.To))).toEqual([]);
    sim.clock.advance(1);
    expect(await listed(to(VALID.To))).toEqual([VALID.To]);
    expect((await sim.ledger()).messages[0]!.faults).toEqual(["listLag"]);
  });

  test("knows a message under the other form of its number only, among those that have it for their own", async () => {
    for (const [address, listAliasShare] of [
      [WITHOUT_NINE, 0],
      [WITH_NINE, 1],
      [WITHOUT_NINE, 0],
      [WITH_NINE, 1],
      [WITH_NINE, 0],
    ] as const) {
      await sim.turn({ listAliasShare });
      const { body } = await sim.create({ To: address, From: SENDER, Body: "x" });
      expect(body["to"]).toBe(address);
      sim.clock.advance(1);
    }
    expect(await listed(to(WITH_NINE))).toEqual([WITH_NINE]);
    expect(await listed(to(WITHOUT_NINE))).toEqual([WITHOUT_NINE, WITHOUT_NINE, WITHOUT_NINE, WITHOUT_NINE]);
    const { messages } = await sim.ledger();
    const first = (await sim.get(`${sim.messagesPath}?${to(WITHOUT_NINE)}&PageSize=2`)).body;
    const second = (await sim.get(String(first["next_page_uri"]))).body;
    const sids = [first, second].flatMap((page) => (page["messages"] as { sid: string }[]).map(({ sid }) => sid));
    expect(sids).toEqual([3, 2, 1, 0].map((index) => messages[index]!.sid));
    expect(messages.map((message) => message.faults)).toEqual([[], ["listAlias"], [], ["listAlias"], []]);
  });

  test.each([
    ["listRate429", 429],
    ["listRate500", 500],
  ])("with %s at 1 is refused", async (knob, status) => {
    await sim.turn({ [knob]: 1 });
    expect((await sim.get(sim.messagesPath)).status).toBe(status);
  });

  test("breaks off in the middle of the page, or is never answered", async () => {
    await sim.create(VALID);
    await sim.turn({ listRateReset: 1 });
    await expect(sim.get(sim.messagesPath)).rejects.toThrow();
    await sim.turn({ listRateReset: 0, listRateHang: 1 });
    const credentials = Buffer.from(`${sim.config.accountSid}:${sim.config.authTokens[0]}`).toString("base64");
    const hanging = fetch(sim.origin + sim.messagesPath, {
      headers: { authorization: `Basic ${credentials}` },
      signal: AbortSignal.timeout(300),
    });
    await expect(hanging).rejects.toMatchObject({ name: "TimeoutError" });
    expect(await sim.stats()).toMatchObject({ lists: 2, faults: { listReset: 1, listHang: 1 } });
  });

  test("misses messages, others each time", async () => {
    await sim.turn({ listMissShare: 0.5 });
    for (let n = 0; n < 30; n += 1) await sim.create({ ...VALID, To: `whatsapp:+121255501${10 + n}` });
    const [first, second] = [await listed(), await listed()];
    expect(first.length).toBeLessThan(30);
    expect(second).not.toEqual(first);
    expect(new Set([...first, ...second]).size).toBeGreaterThan(first.length);
  });
});
