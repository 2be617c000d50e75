import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { withStoreErrors } from "./store-errors.ts";
import { createStore } from "./store.ts";
import { entity } from "./index.ts";
import { createTestDatabase, storeSampleBatch, type TestDatabase } from "./testing/index.ts";

describe("the store", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database.drop());

  test("answers a ping", async () => {
    await database.store.ping();
  });

  test("commits durably whatever the server's default: what was answered survives a crash", async () => {
    await database.store.pool.query(
      "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$",
    );
    const fresh = createStore({ databaseUrl: database.databaseUrl, applicationName: "test" });
    try {
      const { rows } = await fresh.pool.query("show synchronous_commit");
      expect(rows).toEqual([{ synchronous_commit: "on" }]);
    } finally {
      await fresh.close();
    }
  });

  test("gives times as Date, whole numbers as number where they are exact, and decimals as text", async () => {
    const { rows } = await database.store.pool.query(
      `select '2026-03-01 12:00:00.123+00'::timestamptz as at, 42::bigint as small, 9007199254740993::bigint as big,
              0.1::numeric as exact, 0.5::float8 as float, '{"a": [1]}'::jsonb as json, null::timestamptz as never`,
    );
    expect(rows).toEqual([
      {
        at: new Date("2026-03-01T12:00:00.123Z"),
        small: 42,
        big: "9007199254740993",
        exact: "0.1",
        float: 0.5,
        json: { a: [1] },
        never: null,
      },
    ]);
  });

  test("gives the same times through the ORM", async () => {
    const createdAt = new Date();
    const { id } = await storeSampleBatch(database.store, { createdAt, recipients: 1, metadata: { a: 1 } });
    const batch = await database.store.em().findOneOrFail(entity.Batch, { id });
    expect(batch).toMatchObject({ createdAt, settledAt: null, metadata: { a: 1 }, total: 1 });
  });

  test("can be opened while the server is away, and says so only when it is used", async () => {
    const store = createStore({ databaseUrl: "postgres://hub@127.0.0.1:1/hub", applicationName: "test" });
    await expect(withStoreErrors(() => store.ping())).rejects.toMatchObject({ kind: "unavailable" });
    await store.close();
  });

  test("survives the loss of its idle connections and opens new ones", async () => {
    const lost: string[] = [];
    const store = createStore({
      databaseUrl: database.databaseUrl,
      applicationName: "loser",
      onConnectionLost: (error) => lost.push(error.message),
    });
    try {
      await Promise.all([store.ping(), store.ping()]);
      const gone = Promise.withResolvers<void>();
      store.pool.on("remove", () => store.pool.totalCount === 0 && gone.resolve());
      await database.store.pool.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'loser'",
      );
      await gone.promise;
      await store.ping();
      expect(lost[0]).toContain("terminating connection due to administrator command");
    } finally {
      await store.close();
    }
  });

  test("fails only the statement when a connection is lost in the middle of one", async () => {
    const store = createStore({ databaseUrl: database.databaseUrl, applicationName: "victim" });
    try {
      const client = await store.pool.connect();
      const waiting = expect(withStoreErrors(() => client.query("select pg_sleep(60)"))).rejects.toMatchObject({
        kind: "unavailable",
      });
      await terminateWhenBusy("victim");
      await waiting;
      client.release(true);
      await store.ping();
    } finally {
      await store.close();
    }
  });

  test("ends a statement that runs longer than it may", async () => {
    const store = createStore({
      databaseUrl: database.databaseUrl,
      applicationName: "test",
      statementTimeoutMs: 50,
    });
    try {
      await expect(store.pool.query("select pg_sleep(60)")).rejects.toMatchObject({ code: "57014" });
    } finally {
      await store.close();
    }
  });

  /** Ends the connection of that name once its statement runs. */
  async function terminateWhenBusy(applicationName: string): Promise<void> {
    for (;;) {
      const { rowCount } = await database.store.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = $1 and state = 'active' and query like '%pg_sleep%'`,
        [applicationName],
      );
      if (rowCount === 1) return;
    }
  }
});

describe("a server that accepts connections and says nothing", () => {
  let server: Server;
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    server = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test("counts as unavailable after the connect timeout", async () => {
    const { port } = server.address() as { port: number };
    const store = createStore({
      databaseUrl: `postgres://hub@127.0.0.1:${port}/hub`,
      applicationName: "test",
      connectTimeoutMs: 50,
    });
    await expect(withStoreErrors(() => store.ping())).rejects.toMatchObject({ kind: "unavailable" });
    await store.close();
  });
});
