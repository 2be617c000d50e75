import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { claimMessages, type ClaimRequest } from "./claim-messages.ts";
import { planSender } from "./plan-messages.ts";
import { recoverClaims } from "./recover-claims.ts";
import { createStore, type Store } from "./store.ts";
import {
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const recipients = 60;
const replicas = 4;
let db: TestDatabase;
let batch: SampleBatch;
let stores: Store[];

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients });
  stores = Array.from({ length: replicas }, (_, n) =>
    createStore({ databaseUrl: db.databaseUrl, applicationName: `sender-${n}`, poolMax: 3 }),
  );
});
afterEach(async () => {
  for (const store of stores) await store.close();
  await db.drop();
});

test.each([1, 2, 3])("senders that claim the same messages at the same time get each once (%i)", async (seed) => {
  const random = seeded(seed);
  const planned = await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1_000 });
  const granted = new Map<string, string[]>();
  const options = { now, leaseMs: 60_000 };

  // Jobs run twice, in any order, in groups of any size, in any process; some claims are asked for again by their token.
  const work = stores.flatMap((store) =>
    Array.from({ length: 3 }, async () => {
      const jobs = planned.flatMap((job) => (random() < 0.8 ? [job, ...(random() < 0.2 ? [job] : [])] : []));
      jobs.sort(() => random() - 0.5);
      while (jobs.length > 0) {
        const group = jobs.splice(0, 1 + Math.floor(random() * 20));
        const requests = group.map((job): ClaimRequest => ({ ...job, token: randomUUID() }));
        const first = await claimMessages(store.pool, requests, options);
        const claims = random() < 0.3 ? await recoverClaims(store.pool, requests, options) : first;
        for (const claim of claims) {
          if (claim) granted.set(claim.messageId, [...(granted.get(claim.messageId) ?? []), claim.token]);
        }
      }
    }),
  );
  await Promise.all(work);

  expect([...granted.values()].filter((tokens) => tokens.length > 1)).toEqual([]);
  const { rows } = await db.store.pool.query<{ id: string; claim_token: string; attempt: number }>(
    "select id, claim_token, attempt from message where claim_token is not null",
  );
  expect(Object.fromEntries(rows.map((row) => [row.id, [row.claim_token]]))).toEqual(Object.fromEntries(granted));
  expect(rows.every(({ attempt }) => attempt === 1)).toBe(true);
  const { counted, stored } = await readBalance(db.store, batch.id);
  expect(counted).toEqual(stored);
  expect(stored[MessageStatus.SENDING]).toBe(granted.size);
});

/** Random numbers in [0, 1) that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
