import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import twilio from "twilio";
import { RECIPIENT, SENDER, VALID, startSim } from "./testing/running-sim.ts";
import type { RunningSim } from "./testing/running-sim.ts";

let sim: RunningSim;
let client: twilio.Twilio;
beforeAll(async () => {
  sim = await startSim();
  client = connect(sim.config.authTokens[0]!);
});
afterAll(() => sim.stop());

function connect(token: string): twilio.Twilio {
  const created = twilio(sim.config.accountSid, token);
  created.api.baseUrl = sim.origin;
  return created;
}

const message = { to: RECIPIENT, from: SENDER, body: VALID.Body };

describe("the official SDK", () => {
  test("creates a message and fetches it", async () => {
    const created = await client.messages.create({ ...message, statusCallback: "http://127.0.0.1:9/#rc=0" });
    expect(created).toMatchObject({
      status: "queued",
      direction: "outbound-api",
      numSegments: "1",
      numMedia: "0",
      errorCode: null,
      dateCreated: new Date(sim.clock.now()),
    });
    const fetched = await client.messages(created.sid).fetch();
    expect(fetched).toMatchObject({ sid: created.sid, body: VALID.Body, to: RECIPIENT, from: SENDER });
  });

  test("sees the request id", async () => {
    const { headers, statusCode, body } = await client.messages.createWithHttpInfo(message);
    expect(statusCode).toBe(201);
    expect(headers["twilio-request-id"]).toBe(`RQ${body.sid.slice(2)}`);
  });

  test("lists every message over several pages", async () => {
    const created: string[] = [];
    const to = "whatsapp:+12125550150";
    for (let n = 0; n < 5; n += 1) created.unshift((await client.messages.create({ ...message, to })).sid);
    const listed = await client.messages.list({ to, from: SENDER, pageSize: 2 });
    expect(listed.map(({ sid }) => sid)).toEqual(created);
  });

  test("lists by time of sending", async () => {
    const to = "whatsapp:+12125550160";
    await client.messages.create({ ...message, to });
    const dateSentAfter = new Date(sim.clock.now());
    expect(await client.messages.list({ to, dateSentAfter })).toHaveLength(0);
    sim.clock.advance(10_000);
    expect(await client.messages.list({ to, dateSentAfter })).toHaveLength(1);
    expect(await client.messages.list({ to, dateSentBefore: dateSentAfter })).toHaveLength(0);
  });

  test("throws its RestException with Twilio's code", async () => {
    await expect(client.messages.create({ ...message, from: "whatsapp:+12125550100" })).rejects.toMatchObject({
      status: 400,
      code: 63007,
      message: "Twilio could not find a Channel with the specified From address",
      moreInfo: "https://www.twilio.com/docs/errors/63007",
    });
    await expect(connect("wrong").messages.create(message)).rejects.toMatchObject({ status: 401, code: 20003 });
    await expect(client.messages(`SM${"0".repeat(32)}`).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
  });
});
