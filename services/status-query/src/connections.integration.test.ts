import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { StatusService } from "@wahub/proto";
import {
  createTestDatabase,
  startDatabaseLine,
  storeSampleBatch,
  type DatabaseLine,
  type TestDatabase,
} from "@wahub/store/testing";
import { createStatusQuery } from "./app.ts";
import { config } from "./config.ts";

const apiKey = `key-${randomUUID()}`;
const call = { authorization: `Bearer ${apiKey}` };
const cleanups: (() => unknown)[] = [];
let db: TestDatabase;
let line: DatabaseLine;
let app: App;

beforeEach(async () => {
  db = await createTestDatabase();
  line = await startDatabaseLine(db.databaseUrl);
  cleanups.push(
    () => db.drop(),
    () => line.close(),
  );
  app = createStatusQuery(
    loadConfig(config, {
      HOST: "127.0.0.1",
      GRPC_PORT: "0",
      ADMIN_PORT: "0",
      LOG_LEVEL: "silent",
      DATABASE_URL: line.databaseUrl,
      STATEMENT_TIMEOUT_MS: "300",
      WATCH_EVERY_MS: "50",
      BOOTSTRAP_API_KEY: apiKey,
    }),
  );
  cleanups.push(() => app.stop());
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function client() {
  const status = createGrpcClient(StatusService, `127.0.0.1:${app.ports()["grpc"]}`);
  cleanups.push(() => status.close());
  return status;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

test("status-query that finds no PostgreSQL at its start waits for it", async () => {
  line.cut();
  const started = app.start();
  const ready = () => fetch(`http://127.0.0.1:${app.ports()["admin"]}/readyz`);
  await until(() =>
    ready().then(
      ({ status }) => status === 503,
      () => false,
    ),
  );
  expect(await (await ready()).text()).toContain("the database cannot be reached");
  line.mend();
  await started;
  expect((await ready()).status).toBe(200);
});

describe("status-query whose PostgreSQL goes away", () => {
  test.each(["cut", "swallow"] as const)(
    "says so in time (%s), and goes on when it is back",
    async (how) => {
      await app.start();
      const batch = await storeSampleBatch(db.store, { createdAt: new Date(), recipients: 2 });
      // The batch is the sample's tenant's, so "not found" is the answer of a database that is there.
      const status = client();
      const calls = [
        () => status.getBatch({ batchId: batch.id }, call),
        () => status.listMessages({ batchId: batch.id }, call),
        () => status.getMessage({ messageId: batch.messageIds[0]! }, call),
        async () => {
          for await (const _ of status.watchBatch({ batchId: batch.id }, call));
        },
      ];
      for (const one of calls) await expect(one()).rejects.toMatchObject({ kind: "not_found" });
      line[how]();
      const begun = performance.now();
      for (const { kind } of await Promise.all(
        calls.map((one) =>
          one().then(
            () => ({ kind: "answered" }),
            (e: { kind: string }) => e,
          ),
        ),
      ))
        expect(kind).toBe("unavailable");
      // Reads are repeated by the client: up to five times 300 ms and what STATEMENT_TIMEOUT_MS is given on top, 1 s.
      expect(performance.now() - begun).toBeLessThan(12_000);
      line.mend();
      await until(() =>
        status.getBatch({ batchId: batch.id }, call).then(
          () => false,
          ({ kind }) => kind === "not_found",
        ),
      );
    },
    40_000,
  );
});
