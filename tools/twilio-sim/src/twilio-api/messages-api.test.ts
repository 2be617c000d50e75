import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { RECIPIENT, SENDER, VALID, startSim } from "../testing/running-sim.ts";
import type { RunningSim } from "../testing/running-sim.ts";

let sim: RunningSim;
beforeAll(async () => {
  sim = await startSim({ authTokens: ["new", "old"] });
});
afterEach(async () => {
  await fetch(`${sim.origin}/sim/reset`, { method: "POST" });
});
afterAll(() => sim.stop());

async function statusesAfterReset(): Promise<number[]> {
  await fetch(`${sim.origin}/sim/reset`, { method: "POST" });
  await sim.turn({ rate429: 0.2, rate500: 0.2, rate503: 0.2 });
  const statuses: number[] = [];
  for (let n = 0; n < 50; n += 1) statuses.push((await sim.create(VALID)).status);
  return statuses;
}

function authenticate(sid: string, token: string, path = sim.messagesPath): Promise<Response> {
  const credentials = Buffer.from(`${sid}:${token}`).toString("base64");
  return fetch(sim.origin + path, { headers: { authorization: `Basic ${credentials}` } });
}

describe("a create", () => {
  test("answers 201 with every field of the resource and its JSON types", async () => {
    const { status, body, headers } = await sim.create(VALID);
    expect(status).toBe(201);
    const sid = String(body["sid"]);
    const path = sim.messagesPath.replace(".json", `/${sid}`);
    expect(sid).toMatch(/^SM[0-9a-f]{32}$/);
    expect(body).toEqual({
      account_sid: sim.config.accountSid,
      api_version: "2010-04-01",
      body: VALID.Body,
      date_created: "Sat, 31 Jan 2026 12:00:00 +0000",
      date_sent: null,
      date_updated: "Sat, 31 Jan 2026 12:00:00 +0000",
      direction: "outbound-api",
      error_code: null,
      error_message: null,
      from: SENDER,
      messaging_service_sid: null,
      num_media: "0",
      num_segments: "1",
      price: null,
      price_unit: "USD",
      sid,
      status: "queued",
      subresource_uris: { media: `${path}/Media.json` },
      to: RECIPIENT,
      uri: `${path}.json`,
    });
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("twilio-request-id")).toBe(`RQ${sid.slice(2)}`);
    expect(headers.get("twilio-concurrent-requests")).toBe("1");
    expect(headers.get("twilio-request-duration")).toBe("0.000");
    expect(headers.get("x-api-domain")).toBe("api.twilio.com");
  });

  test("with media has an MM sid and counts them", async () => {
    const { body } = await sim.create([...Object.entries(VALID), ["MediaUrl", "https://example.com/a.jpg"]]);
    expect(body).toMatchObject({ sid: expect.stringMatching(/^MM/), num_media: "1" });
  });

  test("keeps text beyond ASCII as it is", async () => {
    const text = "Grüße, 😀 & 100% + «ok»\nnext line";
    const { body } = await sim.create({ ...VALID, Body: text });
    expect(body["body"]).toBe(text);
    expect((await sim.ledger()).messages[0]!.body).toBe(text);
  });

  test("takes as long as the latency says, and is accepted at its end", async () => {
    await sim.turn({ latencyMs: 1_000 });
    const answer = sim.create(VALID);
    await sim.clock.armed();
    expect((await sim.ledger()).total).toBe(0);
    sim.clock.advance(1_000);
    const { status, headers } = await answer;
    expect(status).toBe(201);
    expect(headers.get("twilio-request-duration")).toBe("1.000");
  });

  test("beyond the concurrency limit is refused with 20429, and the limit frees up again", async () => {
    await sim.turn({ latencyMs: 1_000, maxConcurrentCreates: 1 });
    const first = sim.create(VALID);
    await sim.clock.armed();
    const second = await sim.create(VALID);
    expect(second.status).toBe(429);
    expect(second.body).toEqual({
      code: 20429,
      message: "Too Many Requests",
      more_info: "https://www.twilio.com/docs/errors/20429",
      status: 429,
    });
    expect(second.headers.get("twilio-concurrent-requests")).toBe("2");
    expect(second.headers.get("retry-after")).toBeNull();
    sim.clock.advance(1_000);
    expect((await first).status).toBe(201);
    await sim.turn({ latencyMs: 0, retryAfterS: 3, rate429: 1 });
    const third = await sim.create(VALID);
    expect(third.headers.get("retry-after")).toBe("3");
    expect((await sim.stats()).refused).toEqual({ 20429: 2 });
  });

  test.each([
    ["rate429", 429, 20429],
    ["rate500", 500, 20500],
    ["rate503", 503, 20503],
  ])("with %s at 1 is refused and not in the ledger", async (knob, status, code) => {
    await sim.turn({ [knob]: 1 });
    expect(await sim.create(VALID)).toMatchObject({ status, body: { code, status } });
    expect((await sim.ledger()).total).toBe(0);
  });

  test("meets the same luck after each reset", async () => {
    const first = await statusesAfterReset();
    expect(new Set(first)).toEqual(new Set([201, 429, 500, 503]));
    expect(await statusesAfterReset()).toEqual(first);
  });

  test("is refused as failNext says, once", async () => {
    await sim.turn({ failNext: [{ status: 429, code: 63038, to: RECIPIENT }] });
    expect((await sim.create({ ...VALID, To: "whatsapp:+12125550102" })).status).toBe(201);
    expect(await sim.create(VALID)).toMatchObject({
      status: 429,
      body: { code: 63038, message: "Account exceeded the 50 daily messages limit" },
    });
    expect((await sim.create(VALID)).status).toBe(201);
  });

  test("that is too large is refused", async () => {
    expect((await sim.create({ ...VALID, Body: "x".repeat(2_000_000) })).status).toBe(413);
  });
});

describe("a fetch", () => {
  test("shows the status as time passes, and date_sent from sent on", async () => {
    await sim.turn({ sentDelayMs: 1_000, deliveredDelayMs: 10_000, readDelayMs: 100_000, readShare: 1 });
    const uri = String((await sim.create(VALID)).body["uri"]);
    const seen: unknown[] = [];
    for (const ms of [0, 3_000, 30_000, 300_000]) {
      sim.clock.advance(ms);
      const { body } = await sim.get(uri);
      seen.push([body["status"], body["date_sent"] === null]);
    }
    expect(seen).toEqual([
      ["queued", true],
      ["sent", false],
      ["delivered", false],
      ["read", false],
    ]);
  });

  test("of an unknown sid, or one from before a reset, is 20404", async () => {
    const uri = String((await sim.create(VALID)).body["uri"]);
    await fetch(`${sim.origin}/sim/reset`, { method: "POST" });
    expect(await sim.get(uri)).toMatchObject({
      status: 404,
      body: { code: 20404, message: `The requested resource ${uri} was not found`, status: 404 },
    });
  });
});

describe("credentials", () => {
  test("of every configured token are accepted", async () => {
    for (const token of ["new", "old"]) expect((await authenticate(sim.config.accountSid, token)).status).toBe(200);
  });

  test("that are wrong or missing are refused with 20003, on every path", async () => {
    const refusals = [
      await authenticate(sim.config.accountSid, "wrong"),
      await authenticate("AC00000000000000000000000000000000", "new"),
      await fetch(sim.origin + sim.messagesPath),
      await fetch(sim.origin + sim.messagesPath, { method: "POST", body: "To=x" }),
      await fetch(`${sim.origin}/2010-04-01/Accounts/x/Nothing.json`),
    ];
    for (const refusal of refusals) {
      expect(refusal.status).toBe(401);
      expect(await refusal.json()).toEqual({
        code: 20003,
        message: "Authenticate",
        more_info: "https://www.twilio.com/docs/errors/20003",
        status: 401,
      });
    }
  });

  test("do not open another account, nor a path that does not exist", async () => {
    const other = sim.messagesPath.replace(sim.config.accountSid, `AC${"0".repeat(32)}`);
    for (const path of [other, "/2010-04-01/Accounts/%zz/Messages.json", `${sim.messagesPath}/`]) {
      const { status, body } = await sim.get(path);
      expect([status, body["code"]]).toEqual([404, 20404]);
    }
  });
});
