import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { loadConfig } from "@wahub/platform";
import { createTestDatabase, startDatabaseLine } from "@wahub/store/testing";
import { createSender } from "./app.ts";
import { config } from "./config.ts";

test("a sender that finds neither PostgreSQL nor Redis at its start names both, and starts when PostgreSQL is there", async () => {
  const db = await createTestDatabase();
  const line = await startDatabaseLine(db.databaseUrl);
  line.cut();
  const app = createSender(
    loadConfig(config, {
      HOST: "127.0.0.1",
      ADMIN_PORT: "0",
      LOG_LEVEL: "silent",
      DATABASE_URL: line.databaseUrl,
      REDIS_URL: "redis://127.0.0.1:1",
      REDIS_PREFIX: `test-${randomUUID().slice(0, 8)}`,
      TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`,
      TWILIO_AUTH_TOKEN: "nobody's",
      TWILIO_API_BASE_URL: "http://127.0.0.1:1",
      PUBLIC_WEBHOOK_URL: "https://hooks.example.com",
    }),
  );
  const missing = async (): Promise<string[]> => {
    const response = await fetch(`http://127.0.0.1:${app.ports()["admin"]}/readyz`).catch(() => undefined);
    if (response === undefined) return ["everything"];
    const { checks } = (await response.json()) as { checks: { name: string; ok: boolean }[] };
    expect(response.status).toBe(503);
    return checks.filter(({ ok }) => !ok).map(({ name }) => name);
  };
  const started = app.start();
  try {
    while ((await missing()).includes("everything")) await sleep(20);
    expect(await missing()).toEqual(["process", "postgresql", "schema", "redis"]);
    line.mend();
    await started;
    expect(await missing()).toEqual(["redis"]);
  } finally {
    await app.stop();
    await line.close();
    await db.drop();
  }
});
