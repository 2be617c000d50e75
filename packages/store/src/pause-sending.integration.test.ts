import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { countPaused } from "./count-paused.ts";
import { failProbe } from "./fail-probe.ts";
import { listSenders } from "./list-senders.ts";
import { passProbe } from "./pass-probe.ts";
import { pauseBatch } from "./pause-batch.ts";
import { pauseByPerson } from "./pause-by-person.ts";
import { pauseSending } from "./pause-sending.ts";
import { resumeSending } from "./resume-sending.ts";
import type { ScopeId, SendingScope } from "./sending-scope.ts";
import { slowSending } from "./slow-sending.ts";
import { createTestDatabase, storeSampleBatch, type SampleBatch, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);
const waits = { firstMs: 1_000, maxMs: 5_000 };
const messageId = randomUUID();
const active = {
  state: 1,
  pauseCode: 0,
  pauseReason: "",
  pausedAt: undefined,
  probeAt: undefined,
  probes: 0,
  probeMessageId: undefined,
};
let db: TestDatabase;
let batch: SampleBatch;

beforeAll(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 1 });
});
afterAll(() => db.drop());

describe.each<SendingScope>(["account", "sender"])("a scope that sends: %s", (scope) => {
  let id: ScopeId;
  const pause = { code: 20003, reason: "wrong credentials", now, waits };
  const stored = async () => {
    const [sender] = await listSenders(db.store.pool, batch.tenantId);
    return scope === "sender" ? sender! : sender!.account;
  };
  /** As the planner does. */
  const startProbe = () =>
    db.store.pool.query(`update ${scope} set state = 3, probe_message_id = $1, probe_at = $2`, [
      messageId,
      later(30_000),
    ]);

  beforeEach(async () => {
    id = { scope, tenantId: batch.tenantId, id: scope === "account" ? batch.accountId : batch.senderId };
    await resumeSending(db.store.pool, id, { now });
  });

  test("is paused by the first of many reports at once, with its reason and the time of the first try", async () => {
    const reports = await Promise.all(Array.from({ length: 20 }, () => pauseSending(db.store.pool, id, pause)));
    expect(reports.filter(Boolean)).toHaveLength(1);
    const paused = { state: 2, pauseCode: 20003, pauseReason: "wrong credentials", pausedAt: now, probes: 0 };
    expect(await stored()).toMatchObject({ ...paused, probeAt: later(1_000) });
    expect(await pauseSending(db.store.pool, id, { ...pause, code: 63038, now: later(500) })).toBe(false);
    expect(await stored()).toMatchObject({ ...paused, probeAt: later(1_000) });
    expect(await countPaused(db.store.pool)).toEqual([{ scope, code: 20003, count: 1 }]);
  });

  test("of another tenant stays as it is", async () => {
    const foreign = { ...id, tenantId: randomUUID() };
    expect(await pauseSending(db.store.pool, foreign, pause)).toBe(false);
    expect(await pauseByPerson(db.store.pool, foreign, { reason: "", now })).toBe(false);
    expect(await resumeSending(db.store.pool, foreign, { now })).toBe(false);
    expect(await slowSending(db.store.pool, foreign, { now, restMs: 1, recoveryMs: 1 })).toBeUndefined();
    expect(await stored()).toMatchObject(active);
  });

  test("waits 1, 2, 4 times as long after each try in vain, up to a bound, and keeps the newest trouble", async () => {
    await pauseSending(db.store.pool, id, pause);
    const nextAts: (Date | undefined)[] = [];
    for (let n = 0; n < 4; n++) {
      await startProbe();
      nextAts.push(await failProbe(db.store.pool, id, { messageId, lengthen: true, now, waits }));
    }
    expect(nextAts).toEqual([later(2_000), later(4_000), later(5_000), later(5_000)]);
    await startProbe();
    const trouble = { code: 20005, reason: "not active" };
    await failProbe(db.store.pool, id, { messageId, lengthen: false, trouble, now, waits });
    expect(await stored()).toMatchObject({ state: 2, pauseCode: 20005, pauseReason: "not active", probes: 4 });
  });

  test("that tried in vain without a word about it waits as long as before", async () => {
    await pauseSending(db.store.pool, id, pause);
    await startProbe();
    expect(await failProbe(db.store.pool, id, { messageId, lengthen: false, now, waits })).toEqual(later(1_000));
    expect(await stored()).toMatchObject({ state: 2, pauseCode: 20003, pauseReason: "wrong credentials", probes: 0 });
  });

  test("goes on when its message has got through, and remembers since when", async () => {
    await pauseSending(db.store.pool, id, pause);
    await startProbe();
    expect(await passProbe(db.store.pool, id, { messageId, now: later(9_000) })).toBe(true);
    expect(await stored()).toMatchObject({ ...active, resumedAt: later(9_000) });
  });

  test("is not moved by messages that do not try for it, nor by a report while one tries", async () => {
    await pauseSending(db.store.pool, id, pause);
    const probe = { messageId: randomUUID(), lengthen: true, now, waits };
    expect(await passProbe(db.store.pool, id, probe)).toBe(false);
    await startProbe();
    expect(await passProbe(db.store.pool, id, probe)).toBe(false);
    expect(await failProbe(db.store.pool, id, probe)).toBeUndefined();
    expect(await pauseSending(db.store.pool, id, pause)).toBe(false);
    expect(await stored()).toMatchObject({ state: 3, probeMessageId: messageId });
  });

  test("paused by a person stays paused, whatever messages say, until a person resumes it", async () => {
    await pauseSending(db.store.pool, id, pause);
    await startProbe();
    expect(await pauseByPerson(db.store.pool, id, { reason: "moving", now: later(1) })).toBe(true);
    expect(await passProbe(db.store.pool, id, { messageId, now })).toBe(false);
    expect(await pauseByPerson(db.store.pool, id, { reason: "moving house", now: later(2) })).toBe(true);
    expect(await stored()).toMatchObject({
      ...active,
      state: 2,
      pauseReason: "moving house",
      pausedAt: later(1),
    });
    expect(await resumeSending(db.store.pool, id, { now: later(3) })).toBe(true);
    expect(await stored()).toMatchObject({ ...active, resumedAt: later(3) });
  });

  test("that is too fast is halved once by a burst of reports, and again by the next", async () => {
    const slow = { now, restMs: 600, recoveryMs: 60_000 };
    const reports = await Promise.all(Array.from({ length: 20 }, () => slowSending(db.store.pool, id, slow)));
    expect(reports.filter(Boolean)).toEqual([{ pace: 0.5, holdUntil: later(1_200) }]);
    expect(await slowSending(db.store.pool, id, { ...slow, now: later(999) })).toBeUndefined();
    // In six seconds a tenth of the speed has come back.
    expect(await slowSending(db.store.pool, id, { ...slow, now: later(6_000) })).toEqual({
      pace: 0.3,
      holdUntil: later(8_000),
    });
  });

  test("is never slowed down to nothing", async () => {
    let pace = 1;
    for (let n = 0; n < 10; n++) {
      const slowed = await slowSending(db.store.pool, id, { now: later(1_000 * n), restMs: 0, recoveryMs: 1e9 });
      pace = slowed!.pace;
    }
    expect(pace).toBe(0.05);
  });

  test("rests as long as Twilio asks; the longest of a burst counts", async () => {
    const slow = { now, restMs: 500, recoveryMs: 60_000 };
    expect(await slowSending(db.store.pool, id, { ...slow, retryAfterMs: 7_000 })).toEqual({
      pace: 0.5,
      holdUntil: later(7_000),
    });
    expect(await slowSending(db.store.pool, id, { ...slow, retryAfterMs: 3_000 })).toBeUndefined();
    expect(await slowSending(db.store.pool, id, { ...slow, retryAfterMs: 20_000 })).toEqual({
      pace: 0.5,
      holdUntil: later(20_000),
    });
    expect(await slowSending(db.store.pool, id, { ...slow, now: later(2_000) })).toMatchObject({
      holdUntil: later(20_000),
    });
  });
});

test("what is paused is counted by scope and code, batches included", async () => {
  await pauseBatch(db.store.pool, batch.tenantId, batch.id, { code: 21655, reason: "no such template", now });
  expect(await countPaused(db.store.pool)).toContainEqual({ scope: "batch", code: 21655, count: 1 });
});
