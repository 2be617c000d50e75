import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { accountBySid, declareSender, defaultSender } from "./senders.ts";
import { createStore } from "./store.ts";
import { tenantHashKey } from "./tenants.ts";
import { createTestDatabase, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = new Date("2026-03-02T12:00:00Z");
const accountSid = `AC${"1".repeat(32)}`;
const nobody = "00000000-0000-7000-8000-000000000000";

describe("senders", () => {
  let database: TestDatabase;
  let tenantId: string;

  beforeAll(async () => {
    database = await createTestDatabase({ now });
  });

  afterAll(() => database.drop());

  test("can be declared by many processes at the same time and are there once", async () => {
    const stores = Array.from({ length: 5 }, () =>
      createStore({ databaseUrl: database.databaseUrl, applicationName: "test", poolMax: 2 }),
    );
    const declared = await Promise.all(
      stores.map((store) => declareSender(store, { accountSid, phone: "+14155550100", messagesPerSecond: 80, now })),
    );
    await Promise.all(stores.map((store) => store.close()));
    expect(new Set(declared.map((sender) => JSON.stringify(sender))).size).toBe(1);
    tenantId = declared[0]!.tenantId;
    const { rows } = await database.store.pool.query(
      "select (select count(*) from account) as accounts, (select count(*) from sender) as senders",
    );
    expect(rows).toEqual([{ accounts: 1, senders: 1 }]);
  });

  test("take the speed declared last, and stay paused when they were", async () => {
    const { pool } = database.store;
    await pool.query("update sender set state = 2");
    await declareSender(database.store, { accountSid, phone: "+14155550100", messagesPerSecond: 20, now: later });
    const { rows } = await pool.query("select messages_per_second, state, created_at from sender");
    expect(rows).toEqual([{ messages_per_second: 20, state: 2, created_at: now }]);
    await pool.query("update sender set state = 1");
  });

  test("are used as they were declared last, those that may send before those that are paused", async () => {
    const { pool } = database.store;
    const first = await defaultSender(pool, tenantId);
    const second = await declareSender(database.store, {
      accountSid: `AC${"2".repeat(32)}`,
      phone: "+14155550101",
      messagesPerSecond: 80,
      now: later,
    });
    const route = { senderId: second.senderId, accountId: second.accountId };
    expect(await defaultSender(pool, tenantId)).toEqual(first);
    await pool.query("update account set state = 2 where id = $1", [first!.accountId]);
    expect(await defaultSender(pool, tenantId)).toEqual(route);
    await pool.query("update account set state = 1");
    expect(await defaultSender(pool, tenantId)).toEqual(first);
    // The number in the environment has changed: batches go out from the new one.
    const again = { accountSid: `AC${"2".repeat(32)}`, phone: "+14155550101", messagesPerSecond: 80 };
    await declareSender(database.store, { ...again, now: new Date(later.getTime() + 1) });
    expect(await defaultSender(pool, tenantId)).toEqual(route);
    await pool.query("update sender set state = 2 where id = $1", [second.senderId]);
    expect(await defaultSender(pool, tenantId)).toEqual(first);
    expect(await defaultSender(pool, nobody)).toBeUndefined();
  });

  test("are not declared on an account of another tenant", async () => {
    const { pool } = database.store;
    const other = "00000000-0000-7000-8000-000000000001";
    await pool.query("insert into tenant values ($1, 'other', '\\x00', $2)", [other, now]);
    await pool.query(
      "insert into account (id, tenant_id, sid, credentials_ref, created_at) values ($1, $1, $2, 'env', $3)",
      [other, `AC${"3".repeat(32)}`, now],
    );
    await expect(
      declareSender(database.store, {
        accountSid: `AC${"3".repeat(32)}`,
        phone: "+14155550102",
        messagesPerSecond: 1,
        now,
      }),
    ).rejects.toMatchObject({ kind: "conflict" });
  });

  test("lead from the account SID of a callback to the tenant", async () => {
    const { pool } = database.store;
    expect(await accountBySid(pool, accountSid)).toMatchObject({ tenantId, credentialsRef: "env" });
    expect(await accountBySid(pool, "ACunknown")).toBeUndefined();
  });

  test("belong to a tenant with a secret of its own for hashing recipients", async () => {
    const { pool } = database.store;
    const key = await tenantHashKey(pool, tenantId);
    expect(key).toBeInstanceOf(Buffer);
    expect(key).toHaveLength(32);
    await expect(tenantHashKey(pool, nobody)).rejects.toMatchObject({ kind: "not_found" });
  });
});
