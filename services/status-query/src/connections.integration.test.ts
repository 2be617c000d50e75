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
  test.each(["cut", "swallow"] as const)("says so in time (%s), and goes on when it is back", async (how) => {
    await app.start();
    const batch = await storeSampleBatch(db.store, { createdAt: new Date(), recipients: 2 });
    const status = client();
    const watch = status.watchBatch({ batchId: batch.id }, call)[Symbol.asyncIterator]();
    const watchMore = async () => void (await watch.next());
    const calls = [
      () => status.getBatch({ batchId: batch.id }, call),
      () => status.listMessages({ batchId: batch.id }, call),
      () => status.getMessage({ messageId: batch.messageIds[0]! }, call),
    ];
    await Promise.all([watchMore(), ...calls.map((one) => one())]);
    line[how]();
    const begun = performance.now();
    for (const one of [watchMore, ...calls]) await expect(one()).rejects.toMatchObject({ kind: "unavailable" });
    // Each within what STATEMENT_TIMEOUT_MS says and 1 s on top; what fails at once is tried for up to 3 s. And slack.
    expect(performance.now() - begun).toBeLessThan(4 * 3_000 + 3_000);
    line.mend();
    const answers = async (): Promise<boolean> => {
      try {
        return (await calls[0]!()) !== undefined;
      } catch {
        return false;
      }
    };
    await until(answers);
  });
});
