import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ensureBootstrapKey, findApiKey, hasAnyApiKey } from "./api-keys.ts";
import { createStore } from "./store.ts";
import { createTestDatabase, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");

describe("API keys", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase({ now });
  });

  afterAll(() => database.drop());

  test("let nobody in before there is one", async () => {
    const { pool } = database.store;
    expect(await hasAnyApiKey(pool)).toBe(false);
    expect(await findApiKey(pool, "first-key")).toBeUndefined();
  });

  test("of the environment can be declared by many services at the same time", async () => {
    const services = Array.from({ length: 5 }, () =>
      createStore({ databaseUrl: database.databaseUrl, applicationName: "test", poolMax: 2 }),
    );
    try {
      await Promise.all(services.map((service) => ensureBootstrapKey(service, "first-key", now)));
      await ensureBootstrapKey(services[0]!, "second-key", now);
    } finally {
      await Promise.all(services.map((service) => service.close()));
    }
    const { rows } = await database.store.pool.query(
      `select t.name as tenant, k.name as key, length(t.recipient_hash_key) as secret_bytes
         from api_key k join tenant t on t.id = k.tenant_id`,
    );
    const bootstrapKey = { tenant: "default", key: "bootstrap", secret_bytes: 32 };
    expect(rows).toEqual([bootstrapKey, bootstrapKey]);
  });

  test("stand for a tenant", async () => {
    const { pool } = database.store;
    const first = await findApiKey(pool, "first-key");
    const second = await findApiKey(pool, "second-key");
    expect(first!.tenantId).toBe(second!.tenantId);
    expect(first!.keyId).not.toBe(second!.keyId);
    expect(await findApiKey(pool, "First-key")).toBeUndefined();
    expect(await hasAnyApiKey(pool)).toBe(true);
  });

  test("are stored as a digest only", async () => {
    const { rows } = await database.store.pool.query<{ stored: string }>("select k::text as stored from api_key k");
    expect(rows.map((row) => row.stored).join()).not.toContain("first-key");
  });

  test("end when they are revoked, and declaring them again does not bring them back", async () => {
    const { pool } = database.store;
    const { keyId } = (await findApiKey(pool, "first-key"))!;
    await pool.query("update api_key set revoked_at = $2 where id = $1", [keyId, now]);
    await ensureBootstrapKey(database.store, "first-key", now);
    expect(await findApiKey(pool, "first-key")).toBeUndefined();
    expect(await findApiKey(pool, "second-key")).toBeDefined();
  });
});
