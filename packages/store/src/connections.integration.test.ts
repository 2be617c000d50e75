import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { from as copyFrom } from "pg-copy-streams";
import { cancelable } from "./cancelable.ts";
import { withStoreErrors } from "./store-errors.ts";
import { createStore, type Store } from "./store.ts";
import { createTestDatabase, type DatabaseLine, startDatabaseLine, type TestDatabase } from "./testing/index.ts";
import { withTransaction } from "./transaction.ts";

let database: TestDatabase;
let line: DatabaseLine;
let store: Store;

beforeEach(async () => {
  database = await createTestDatabase();
  await database.store.pool.query("create table note (text text)");
  line = await startDatabaseLine(database.databaseUrl);
  store = createStore({
    databaseUrl: line.databaseUrl,
    applicationName: "traveller",
    poolMax: 3,
    connectTimeoutMs: 300,
    queryTimeoutMs: 500,
  });
});

afterEach(async () => {
  await store.close();
  await line.close();
  await database.drop();
});

const notes = async (): Promise<string[]> => {
  const { rows } = await database.store.pool.query<{ text: string }>("select text from note order by text");
  return rows.map(({ text }) => text);
};

/** Resolves when a connection of the store is in the middle of something like this. */
async function underWay(query: string, state = "active"): Promise<void> {
  const sql = `select from pg_stat_activity where application_name = 'traveller' and state = $2 and query like $1`;
  while ((await database.store.pool.query(sql, [`${query}%`, state])).rowCount === 0) await sleep(5);
}

/** How it failed and how long that took. */
async function failure(work: () => Promise<unknown>): Promise<{ kind: string; tookMs: number }> {
  const begun = performance.now();
  const error = await withStoreErrors(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { kind: (error as HubError | undefined)?.kind ?? String(error), tookMs: performance.now() - begun };
}

/** Under load a timer may be late, by this much at most. */
const slackMs = 1_500;

describe("PostgreSQL that vanishes in the middle of a statement", () => {
  test("without a word: the statement ends by its time, and what follows finds the way back", async () => {
    const waiting = failure(() => store.pool.query("select pg_sleep(60)"));
    await underWay("select pg_sleep");
    line.swallow();
    const { kind, tookMs } = await waiting;
    expect(kind).toBe("unavailable");
    expect(tookMs).toBeLessThan(500 + slackMs);
    line.mend();
    await store.ping();
  });

  test("without a word, in a transaction: nobody waits for a rollback, and nothing of it stays", async () => {
    const waiting = failure(() =>
      withTransaction(store.pool, async (client) => {
        await client.query("insert into note values ('half')");
        await client.query("select pg_sleep(60)");
      }),
    );
    await underWay("select pg_sleep");
    line.swallow();
    const { kind, tookMs } = await waiting;
    expect(kind).toBe("unavailable");
    expect(tookMs).toBeLessThan(500 + slackMs);
    line.mend();
    await withTransaction(store.pool, (client) => client.query("insert into note values ('whole')"));
    expect(await notes()).toEqual(["whole"]);
  });

  test.each(["without a word", "with a crash"])("%s, in the middle of a COPY", async (how) => {
    async function* rows(): AsyncGenerator<string> {
      yield "half\n";
      await underWay("copy note");
      if (how === "with a crash") line.cut();
      else line.swallow();
      yield "other half\n";
    }
    const { kind, tookMs } = await failure(() =>
      withTransaction(store.pool, (client) =>
        pipeline(Readable.from(rows(), { objectMode: false }), client.query(copyFrom("copy note from stdin"))),
      ),
    );
    expect(kind).toBe("unavailable");
    expect(tookMs).toBeLessThan(1_000 + slackMs);
    line.mend();
    await store.ping();
    expect(await notes()).toEqual([]);
  });

  test("with a crash, in a transaction: an error, and the process lives", async () => {
    const waiting = failure(() =>
      withTransaction(store.pool, async (client) => {
        await client.query("insert into note values ('half')");
        await client.query("select pg_sleep(60)");
      }),
    );
    await underWay("select pg_sleep");
    line.cut();
    expect((await waiting).kind).toBe("unavailable");
    expect((await failure(() => store.ping())).kind).toBe("unavailable");
    line.mend();
    await store.ping();
    expect(await notes()).toEqual([]);
  });

  test("with a crash, between two statements of a transaction: an error, and the process lives", async () => {
    const waiting = failure(() =>
      withTransaction(store.pool, async (client) => {
        await client.query("insert into note values ('half')");
        await gone.promise;
        await client.query("select 1");
      }),
    );
    const gone = Promise.withResolvers<void>();
    await underWay("insert into note", "idle in transaction");
    line.cut();
    await sleep(50);
    gone.resolve();
    expect((await waiting).kind).toBe("unavailable");
    line.mend();
    await store.ping();
  });
});

test("who falls silent in a transaction keeps others from its rows for a few seconds only", async () => {
  await database.store.pool.query("insert into note values ('held')");
  const done = Promise.withResolvers<void>();
  const silent = failure(() =>
    withTransaction(database.store.pool, async (client) => {
      await client.query("update note set text = 'half'");
      await done.promise;
      await client.query("select 1");
    }),
  );
  const sql = "select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'";
  while ((await database.store.pool.query(sql)).rowCount === 0) await sleep(5);
  const begun = performance.now();
  await database.store.pool.query("update note set text = text || ', then changed'");
  expect(performance.now() - begun).toBeLessThan(3_000 + slackMs);
  done.resolve();
  expect((await silent).kind).toBe("unavailable");
  expect(await notes()).toEqual(["held, then changed"]);
});

describe("PostgreSQL that is away", () => {
  test("while the pool is full of statements that hang, those that wait for a connection end soon, too", async () => {
    const hanging = Array.from({ length: 3 }, () => failure(() => store.pool.query("select pg_sleep(60)")));
    await underWay("select pg_sleep");
    line.swallow();
    const waited = await failure(() => store.ping());
    expect(waited.kind).toBe("unavailable");
    expect(waited.tookMs).toBeLessThan(300 + 500 + slackMs);
    for (const { kind } of await Promise.all(hanging)) expect(kind).toBe("unavailable");
    line.mend();
    await store.ping();
  });

  test.each(["idle", "connecting"])(
    "does not keep the store from closing, with a connection that is %s",
    async (how) => {
      const other = createStore({ databaseUrl: line.databaseUrl, applicationName: "leaver", connectTimeoutMs: 60_000 });
      if (how === "idle") await other.ping();
      line.swallow();
      const connecting = how === "connecting" ? failure(() => other.ping()) : undefined;
      const begun = performance.now();
      expect(other.pool.totalCount).toBe(1);
      await other.close();
      expect(other.pool.totalCount).toBe(0);
      expect(performance.now() - begun).toBeLessThan(2_000 + slackMs);
      if (connecting) expect((await connecting).kind).toBe("unavailable");
    },
  );
});

describe("work whose caller has gone", () => {
  const reason = new HubError("unavailable", "the client went away");

  test("ends in the middle of a statement, also at PostgreSQL", async () => {
    const abort = new AbortController();
    const reading = cancelable(store.pool, abort.signal).query("select pg_sleep(60)");
    await underWay("select pg_sleep");
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
    const sql = "select from pg_stat_activity where application_name = 'traveller' and state = 'active'";
    while ((await database.store.pool.query(sql)).rowCount !== 0) await sleep(20);
    await store.ping();
  });

  test("does not begin, and does not wait for a connection", async () => {
    const abort = new AbortController();
    const busy = Array.from({ length: 3 }, () => store.pool.query("select pg_sleep(0.3)"));
    const waiting = cancelable(store.pool, abort.signal).query("select 1");
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(cancelable(store.pool, abort.signal).query("select 1")).rejects.toBe(reason);
    await Promise.all(busy);
    // The connection that was asked for in vain is back.
    await Promise.all(Array.from({ length: 3 }, () => store.ping()));
  });

  test("leaves a result, and the connection, alone once it has ended", async () => {
    const abort = new AbortController();
    const { rows } = await cancelable(store.pool, abort.signal).query("select 7 as n");
    abort.abort(reason);
    expect(rows).toEqual([{ n: 7 }]);
    expect(store.pool.idleCount).toBe(1);
  });

  test("takes a transaction back that is not yet committed", async () => {
    const abort = new AbortController();
    const waiting = withTransaction(
      store.pool,
      async (client) => {
        await client.query("insert into note values ('half')");
        await client.query("select pg_sleep(60)");
      },
      { signal: abort.signal },
    );
    await underWay("select pg_sleep");
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const late = withTransaction(
      store.pool,
      async (client) => {
        await client.query("insert into note values ('half')");
      },
      { signal: abort.signal },
    );
    await expect(late).rejects.toBe(reason);
    expect(await notes()).toEqual([]);
  });
});
