import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { DispatchService, type BulkSendStreamRequestSchema } from "@wahub/proto";
import { migrate } from "@wahub/store";
import {
  createEmptyDatabase,
  createTestDatabase,
  startDatabaseLine,
  type DatabaseLine,
  type TestDatabase,
} from "@wahub/store/testing";
import { createDispatch } from "./app.ts";
import { config } from "./config.ts";

const apiKey = `key-${randomUUID()}`;
const call = { authorization: `Bearer ${apiKey}` };
const content = { kind: { case: "text" as const, value: { body: "Hello" } } };
const nobody = "redis://127.0.0.1:1";

const cleanups: (() => unknown)[] = [];
let db: TestDatabase;
let line: DatabaseLine;

beforeEach(async () => {
  db = await createTestDatabase();
  line = await startDatabaseLine(db.databaseUrl);
  cleanups.push(
    () => db.drop(),
    () => line.close(),
  );
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Dispatch behind the line; `started` tells when it is through with starting. */
function begin(changes: Record<string, string> = {}): { app: App; started: Promise<void> } {
  const app = createDispatch(
    loadConfig(config, {
      HOST: "127.0.0.1",
      GRPC_PORT: "0",
      ADMIN_PORT: "0",
      LOG_LEVEL: "silent",
      DATABASE_URL: line.databaseUrl,
      DATABASE_TIMEOUT_MS: "500",
      REDIS_URL: process.env["TEST_REDIS_URL"]!,
      REDIS_PREFIX: `test-${randomBytes(6).toString("hex")}`,
      BOOTSTRAP_API_KEY: apiKey,
      TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`,
      TWILIO_WHATSAPP_FROM: "+15005550006",
      ...changes,
    }),
  );
  cleanups.push(() => app.stop());
  return { app, started: app.start() };
}

async function client(app: App) {
  const dispatch = createGrpcClient(DispatchService, `127.0.0.1:${app.ports()["grpc"]}`);
  cleanups.push(() => dispatch.close());
  return dispatch;
}

interface Ready {
  readonly status: number;
  readonly missing: readonly string[];
}

/** What `/readyz` says: the status, and the reason of each check that is not fulfilled. */
async function readiness(app: App): Promise<Ready> {
  const response = await fetch(`http://127.0.0.1:${app.ports()["admin"]}/readyz`);
  const { checks } = (await response.json()) as { checks: { name: string; ok: boolean; reason?: string }[] };
  const missing = checks.filter(({ ok }) => !ok).map(({ name, reason }) => `${name}: ${reason}`);
  return { status: response.status, missing };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** The admin port is there a moment after the start has begun. */
const answering = (app: App) =>
  until(() =>
    readiness(app).then(
      () => true,
      () => false,
    ),
  );

const order = (count: number) => ({
  idempotencyKey: randomUUID() as string,
  content,
  recipients: Array.from({ length: count }, (_, i) => ({ phone: `+1212${2_000_000 + i}` })),
});
const rowsOf = async (key: string) =>
  (await db.store.pool.query("select from batch where idempotency_key = $1", [key])).rowCount;

describe("dispatch that finds no PostgreSQL at its start", () => {
  test("waits, says what is missing, and starts when it is there", async () => {
    line.cut();
    const { app, started } = begin();
    await answering(app);
    const away = "the database cannot be reached at the moment";
    expect(await readiness(app)).toEqual({
      status: 503,
      missing: ["process: starting", `postgresql: ${away}`, `schema: ${away}`],
    });
    line.mend();
    await started;
    expect(await readiness(app)).toEqual({ status: 200, missing: [] });
    expect(await (await client(app)).bulkSend(order(1), call)).toMatchObject({ acceptedCount: 1 });
  });

  test.each(["refuses connections", "says nothing"])("stops at once while it waits for one that %s", async (how) => {
    if (how === "says nothing") line.swallow();
    else line.cut();
    const { app, started } = begin();
    await answering(app);
    const begun = performance.now();
    await app.stop();
    await started;
    expect(performance.now() - begun).toBeLessThan(4_000);
  });

  test("waits for a database that is not migrated, and says what to do", async () => {
    const empty = await createEmptyDatabase();
    cleanups.push(empty.drop);
    const { app, started } = begin({ DATABASE_URL: empty.databaseUrl });
    await answering(app);
    const { status, missing } = await readiness(app);
    expect(status).toBe(503);
    expect(missing).toContainEqual(expect.stringMatching(/^schema: .*npm run migrate/));
    await migrate(empty.databaseUrl);
    await started;
    expect(await readiness(app)).toEqual({ status: 200, missing: [] });
  });
});

describe("dispatch without Redis", () => {
  test("starts, names it, and accepts batches all the same", async () => {
    const { app, started } = begin({ REDIS_URL: nobody });
    await started;
    expect(await (await client(app)).bulkSend(order(3), call)).toMatchObject({ acceptedCount: 3 });
    expect(await readiness(app)).toEqual({ status: 200, missing: [expect.stringMatching(/^redis: /)] });
  });
});

describe("dispatch whose PostgreSQL goes away", () => {
  test.each(["cut", "swallow"] as const)(
    "answers unavailable in time (%s), and goes on when it is back",
    async (how) => {
      const { app, started } = begin();
      await started;
      const dispatch = await client(app);
      await dispatch.bulkSend(order(1), call);
      line[how]();
      for (let i = 0; i < 3; i += 1) {
        const begun = performance.now();
        await expect(dispatch.bulkSend(order(1), call)).rejects.toMatchObject({ kind: "unavailable" });
        // DATABASE_TIMEOUT_MS for connections that hang, 5 s for new ones; and slack for a busy machine.
        expect(performance.now() - begun).toBeLessThan(8_000);
      }
      line.mend();
      const last = order(2);
      await until(() =>
        dispatch.bulkSend(last, call).then(
          () => true,
          () => false,
        ),
      );
      expect(await rowsOf(last.idempotencyKey)).toBe(1);
      await until(async () => (await readiness(app)).status === 200);
    },
    40_000,
  );

  test("in the middle of a batch, without a word: the caller hears of it in time, and nothing is half stored", async () => {
    const { app, started } = begin({ DATABASE_TIMEOUT_MS: "3000" });
    await started;
    const dispatch = await client(app);
    const big = order(10_000);
    const answer = dispatch.bulkSend(big, call);
    answer.catch(() => undefined);
    await copying();
    line.swallow();
    const begun = performance.now();
    await expect(answer).rejects.toMatchObject({ kind: "unavailable" });
    expect(performance.now() - begun).toBeLessThan(7_000);
    line.mend();
    await until(() =>
      dispatch.bulkSend(big, call).then(
        () => true,
        () => false,
      ),
    );
    const { rows } = await db.store.pool.query("select count(*)::int as n from message");
    expect(rows).toEqual([{ n: 10_000 }]);
  });
});

/** Resolves when a transaction of dispatch is in the middle of storing recipients. */
async function copying(): Promise<void> {
  const sql = `select from pg_stat_activity where application_name = 'dispatch' and state <> 'idle'
               and (query like 'copy incoming_message%' or query like 'insert into message%')`;
  while ((await db.store.pool.query(sql)).rowCount === 0) await sleep(2);
}

describe("a caller that goes away", () => {
  test("in the middle of BulkSend leaves nothing behind, and its key is free", async () => {
    const { app, started } = begin({ DATABASE_TIMEOUT_MS: "20000" });
    await started;
    const dispatch = await client(app);
    const big = order(20_000);
    const gone = new AbortController();
    const answer = dispatch.bulkSend(big, { ...call, signal: gone.signal });
    answer.catch(() => undefined);
    await copying();
    gone.abort();
    await expect(answer).rejects.toThrow();
    const idle = "select from pg_stat_activity where application_name = 'dispatch' and xact_start is not null";
    await until(async () => (await db.store.pool.query(`${idle} and query like '%message%'`)).rowCount === 0);
    const { rows } = await db.store.pool.query("select count(*)::int as n from message");
    expect(rows).toEqual([{ n: 0 }]);
    expect(await rowsOf(big.idempotencyKey)).toBe(0);
    expect(await dispatch.bulkSend({ ...big, recipients: big.recipients.slice(0, 2) }, call)).toMatchObject({
      acceptedCount: 2,
    });
  });

  test("and lets its deadline pass is treated alike", async () => {
    const { app, started } = begin({ DATABASE_TIMEOUT_MS: "20000" });
    await started;
    const dispatch = await client(app);
    const small = order(1);
    // Another one has claimed the key and is not through: BulkSend has to wait for it.
    const other = await db.store.pool.connect();
    await other.query("begin");
    await other.query("lock table batch in exclusive mode");
    await expect(dispatch.bulkSend(small, { ...call, deadlineMs: 500 })).rejects.toMatchObject({ kind: "unavailable" });
    const waiting = `select from pg_stat_activity where application_name = 'dispatch' and wait_event_type = 'Lock'
                     and query like 'insert into batch%'`;
    // PostgreSQL has noticed, too.
    await until(async () => (await db.store.pool.query(waiting)).rowCount === 0);
    await other.query("rollback");
    other.release();
    expect(await rowsOf(small.idempotencyKey)).toBe(0);
  });

  test("without a word in the middle of a stream is not waited for; the stream goes on with the next call", async () => {
    const { app, started } = begin({ STREAM_IDLE_TIMEOUT_MS: "1000", DATABASE_TIMEOUT_MS: "10000" });
    await started;
    const dispatch = await client(app);
    type Part = MessageInitShape<typeof BulkSendStreamRequestSchema>;
    const idempotencyKey = randomUUID();
    const header: Part = { part: { case: "header", value: { idempotencyKey, content } } };
    const chunk: Part = { part: { case: "recipients", value: { recipients: order(6_000).recipients } } };
    const silent = Promise.withResolvers<void>();
    async function* never(): AsyncGenerator<Part> {
      yield header;
      yield chunk;
      await silent.promise;
    }
    await expect(dispatch.bulkSendStream(never(), call)).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("nothing came for 1000 ms"),
    });
    silent.resolve();
    async function* whole(): AsyncGenerator<Part> {
      yield header;
      yield chunk;
    }
    const begun = performance.now();
    expect(await dispatch.bulkSendStream(whole(), call)).toMatchObject({ acceptedCount: 6_000 });
    // The batch was free: nobody had to wait for the time of its owner (15 s) to run out.
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
