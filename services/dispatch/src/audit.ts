import {
  auditBatches,
  finishedBatches,
  runningBatches,
  type AuditFault,
  type BatchToAudit,
  type FinishedBatch,
  type Store,
} from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/** Messages read per round on average; a batch with more is paid off by rounds that read nothing. */
const messagesPerRound = 100_000;

/** A batch with more messages is left to `npm run audit`: one statement reads all of it. */
const maxTotal = 1_000_000;

const finishedPerRound = 1_000;
const runningPerRound = 20;

/** Batches with faults that are looked at again in every round until the faults are gone. */
const maxSuspects = 100;

/** A batch may be committed this much later than the time it bears. */
const overlapMs = 10_000;

interface Suspect extends BatchToAudit {
  readonly faults: readonly AuditFault[];
}

/**
 * One round of the audit: batches with known faults, those that were completed or settled since the last round, and the
 * next few of the running ones. What it remembers is this process's own: every replica audits, from its start on. It
 * costs next to nothing where nothing runs, and is bounded where millions do.
 */
export function createAuditRound(deps: {
  store: Store;
  events: DispatchEvents;
  now: () => Date;
  settleAfterMs: number;
}) {
  const { store, events, now, settleAfterMs } = deps;
  const finished = createFinishedBatches(store, now());
  const sample = createRunningSample(store);
  let suspects: readonly Suspect[] = [];
  let debt = 0;

  return async (): Promise<void> => {
    const purse = createPurse(messagesPerRound - debt);
    purse.take(suspects);
    if (purse.left() > 0) await finished.takeNext(purse);
    if (purse.left() > 0) await sample.takeNext(purse);
    debt = Math.max(0, -purse.left());
    const chosen = purse.taken();
    if (chosen.length === 0) return;

    const faults = await auditBatches(
      store.pool,
      chosen.map(({ batchId }) => batchId),
      { settleAfterMs },
    );
    const read = new Set(chosen.map(({ batchId }) => batchId));
    const found = chosen
      .map((batch) => ({ ...batch, faults: faults.filter(({ batchId }) => batchId === batch.batchId) }))
      .filter((batch) => batch.faults.length > 0);
    suspects = [...suspects.filter(({ batchId }) => !read.has(batchId)), ...found].slice(0, maxSuspects);
    events.audited({ batches: chosen.length, faults: suspects.flatMap((suspect) => suspect.faults) });
  };
}

/** How many messages may still be read in a round, and the batches chosen so far. */
interface Purse {
  left(): number;
  /** Takes the first of them, as long as something is left; the last may cost more than that. Returns those. */
  take<T extends BatchToAudit>(batches: readonly T[]): readonly T[];
  taken(): readonly BatchToAudit[];
}

function createPurse(messages: number): Purse {
  let left = messages;
  const chosen = new Map<string, BatchToAudit>();
  return {
    left: () => left,
    take(batches) {
      const end = batches.findIndex((batch) => {
        if (left <= 0) return true;
        if (!chosen.has(batch.batchId)) left -= batch.total;
        chosen.set(batch.batchId, { batchId: batch.batchId, total: batch.total });
        return false;
      });
      return end < 0 ? batches : batches.slice(0, end);
    },
    taken: () => [...chosen.values()],
  };
}

/** Each batch once when it is completed and once when it is settled, in the order of these times. */
function createFinishedBatches(store: Store, start: Date) {
  const keyOf = (batch: FinishedBatch): string => `${batch.batchId} ${batch.finishedAt.getTime()}`;
  let since = start;
  let done = new Set<string>();
  return {
    async takeNext(purse: Purse): Promise<void> {
      const from = new Date(since.getTime() - overlapMs);
      const limit = finishedPerRound + done.size;
      const batches = await finishedBatches(store.pool, { since: from, maxTotal, limit });
      const taken = purse.take(batches.filter((batch) => !done.has(keyOf(batch))));
      since = taken.reduce((latest, { finishedAt }) => (finishedAt > latest ? finishedAt : latest), since);
      done = new Set([...batches.map(keyOf).filter((key) => done.has(key)), ...taken.map(keyOf)]);
    },
  };
}

/** Running batches in turn. */
function createRunningSample(store: Store) {
  let after: string | undefined;
  return {
    async takeNext(purse: Purse): Promise<void> {
      const batches = await runningBatches(store.pool, { after, maxTotal, limit: runningPerRound });
      const taken = purse.take(batches);
      const isLast = batches.length < runningPerRound && taken.length === batches.length;
      after = isLast ? undefined : taken.at(-1)!.batchId;
    },
  };
}
