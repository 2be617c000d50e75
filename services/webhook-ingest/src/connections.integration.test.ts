import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { loadConfig, type App } from "@wahub/platform";
import { MessageStatus } from "@wahub/proto";
import { readMessage } from "@wahub/store";
import {
  claimAll,
  createTestDatabase,
  startDatabaseLine,
  storeSampleBatch,
  type DatabaseLine,
  type TestDatabase,
} from "@wahub/store/testing";
import { createWebhookIngest } from "./app.ts";
import { config } from "./config.ts";
import { messageSid, postCallback, publicWebhookUrl, testAccount } from "./testing/twilio-caller.ts";

let db: TestDatabase;
let line: DatabaseLine;
let app: App;

beforeEach(async () => {
  db = await createTestDatabase();
  line = await startDatabaseLine(db.databaseUrl);
  app = createWebhookIngest(
    loadConfig(config, {
      HOST: "127.0.0.1",
      HTTP_PORT: "0",
      ADMIN_PORT: "0",
      LOG_LEVEL: "silent",
      DATABASE_URL: line.databaseUrl,
      DATABASE_TIMEOUT_MS: "500",
      TWILIO_API_BASE_URL: "http://127.0.0.1:1", // nobody is asked for lists
      TWILIO_ACCOUNT_SID: testAccount.sid,
      TWILIO_AUTH_TOKEN: testAccount.authToken,
      PUBLIC_WEBHOOK_URL: publicWebhookUrl,
    }),
  );
});
afterEach(async () => {
  await app.stop();
  await line.close();
  await db.drop();
});

const url = (port: "http" | "admin") => `http://127.0.0.1:${app.ports()[port]}`;
const readiness = async () => {
  const response = await fetch(`${url("admin")}/readyz`);
  return { status: response.status, text: await response.text() };
};

test("webhook-ingest that finds no PostgreSQL at its start starts all the same, asks Twilio to come again, and says why", async () => {
  line.cut();
  await app.start();
  const target = { messageId: "0195a1b2-c3d4-8e5f-8a7b-000000000001", attempt: 1 };
  expect(await postCallback(url("http"), { messageSid: messageSid(1), status: "sent", target })).toBe(503);
  expect(await readiness()).toMatchObject({ status: 503, text: expect.stringContaining("postgresql") });
  line.mend();
  while ((await readiness()).status !== 200) await sleep(20);
  expect(await postCallback(url("http"), { messageSid: messageSid(1), status: "sent", target })).toBe(204);
});

test.each(["cut", "swallow"] as const)(
  "a flood of callbacks while PostgreSQL is away (%s) is answered 503 in time, and taken when it is back",
  async (how) => {
    await app.start();
    const batch = await storeSampleBatch(db.store, { createdAt: new Date(), recipients: 1 });
    await claimAll(db.store, batch, new Date(), 3_600_000);
    const target = { messageId: batch.messageIds[0]!, attempt: 1 };
    const post = (status: string) => postCallback(url("http"), { messageSid: messageSid(1), status, target });
    expect(await post("sent")).toBe(204);
    line[how]();
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: 150 }, () => post("delivered")));
    expect(new Set(answers)).toEqual(new Set([503]));
    // Twilio waits for 15 s, and callbacks in line wait for two groups at most.
    expect(performance.now() - begun).toBeLessThan(10_000);
    line.mend();
    while ((await post("read")) !== 204) await sleep(20);
    const message = await readMessage(db.store.pool, batch.tenantId, target.messageId);
    expect(message).toMatchObject({ status: MessageStatus.READ });
  },
);
