import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createAuthenticator } from "./authenticator.ts";
import { requireApiKey } from "./require-api-key.ts";
import { createTestDatabase, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-02T12:00:00Z");

let db: TestDatabase;
beforeEach(async () => {
  db = await createTestDatabase({ now });
});
afterEach(() => db.drop());

describe("starting a service that callers reach", () => {
  test("is refused while nobody could get in, and says what to do", async () => {
    await expect(requireApiKey(db.store, undefined, now)).rejects.toThrow("set BOOTSTRAP_API_KEY");
  });

  test("makes the bootstrap key work; afterwards it can start without", async () => {
    await requireApiKey(db.store, "a-bootstrap-key", now);
    const caller = await createAuthenticator(db.store.pool)("Bearer a-bootstrap-key");
    expect(caller.tenantId).toMatch(/^[0-9a-f-]{36}$/);
    await expect(requireApiKey(db.store, undefined, now)).resolves.toBeUndefined();
  });

  test("is refused when every key is revoked, the one it was given too", async () => {
    await requireApiKey(db.store, "a-bootstrap-key", now);
    await db.store.pool.query("update api_key set revoked_at = $1", [now]);
    await expect(requireApiKey(db.store, "a-bootstrap-key", now)).rejects.toThrow("revoked");
  });
});
