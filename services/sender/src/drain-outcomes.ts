import { randomUUID } from "node:crypto";
import { recordOutcomes, withStoreErrors, type Store } from "@wahub/store";
import type { Spool } from "@wahub/spool";
import type { SenderEvents } from "./events.ts";
import { fromOutcomeFact } from "./outcome-facts.ts";

/** Outcomes per statement: a few milliseconds of PostgreSQL's time. */
const outcomesPerRound = 200;

/** A round takes a few seconds at most, also where PostgreSQL hangs. */
const takeOverAfterMs = 30_000;

/** A fact that cannot be written is tried every second or so for this often. */
const maxTries = 20;

/** How often what lies aside is tried once more: what PostgreSQL has refused for a while it may take later. */
const retryAsideEveryMs = 300_000;

export interface DrainOutcomesDeps {
  readonly spool: Spool;
  readonly store: Store;
  readonly events: SenderEvents;
  readonly now: () => Date;
}

/**
 * One round of writing outcomes from the spool into PostgreSQL. Runs in every replica; one that dies leaves what it had in
 * hand to the others. Writing one twice is harmless: its claim's token is good for once. The first round of a process, and
 * one every few minutes, also tries what was set aside.
 */
export function createDrainOutcomesRound({ spool, store, events, now }: DrainOutcomesDeps) {
  const consumer = randomUUID();
  let asideTriedAt: number | undefined;

  async function handle(payloads: readonly Uint8Array[]): Promise<void> {
    const outcomes = payloads.map(fromOutcomeFact);
    events.outcomesDrained(outcomes, await withStoreErrors(() => recordOutcomes(store.pool, outcomes, now())));
  }

  return async (): Promise<{ again: boolean }> => {
    if (asideTriedAt === undefined) events.spoolFound(await spool.durability());
    const at = now().getTime();
    if (asideTriedAt === undefined || at - asideTriedAt >= retryAsideEveryMs) {
      await spool.retryAside();
      asideTriedAt = at;
    }
    const size = await spool.size();
    events.spoolSize(size);
    if (size.entries === 0) return { again: false };
    return spool.drain({
      consumer,
      maxItems: outcomesPerRound,
      takeOverAfterMs,
      maxTries,
      handle,
      onFailure: (failure) => events.factFailed(failure),
    });
  };
}
