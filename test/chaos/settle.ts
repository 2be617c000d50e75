import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "@wahub/stack";
import type { Client } from "pg";
import { statusWord } from "./words.ts";

export interface SettleDeps {
  readonly stack: Stack;
  readonly database: Client;
  /** Batches with messages that are held for a person to decide, and that person. */
  readonly held: readonly string[];
  readonly decideHeld: (batchId: string) => Promise<number>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 500;
const SAY_EVERY_MS = 10_000;

/** Waits until every batch is settled and the simulator has nothing more to say; false when `withinMs` is over first. */
export async function untilSettled(deps: SettleDeps, withinMs: number): Promise<boolean> {
  const { stack, database, say, signal } = deps;
  const giveUpAt = performance.now() + withinMs;
  let sayAt = performance.now() + SAY_EVERY_MS;
  for (;;) {
    const { rows } = await database.query<{ n: number }>(
      "select count(*)::int as n from batch where settled_at is null",
    );
    if (rows[0]!.n === 0 && (await simulatorIsIdle(stack))) return true;
    if (performance.now() > giveUpAt) return false;
    if (performance.now() > sayAt) {
      sayAt += SAY_EVERY_MS;
      for (const batchId of deps.held) {
        const decided = await deps.decideHeld(batchId);
        if (decided > 0) say(`${decided} held messages are decided by hand`);
      }
      say(`${rows[0]!.n} batches are not settled: ${await standing(database)}`);
    }
    if (signal.aborted) return false;
    await sleep(LOOK_EVERY_MS);
  }
}

/** How many messages there are in each status. */
export async function standing(database: Client): Promise<string> {
  const { rows } = await database.query<{ status: number; n: number }>(
    "select status, count(*)::int as n from message group by status order by status",
  );
  return rows.map(({ status, n }) => `${n} ${statusWord(status)}`).join(", ");
}

async function simulatorIsIdle(stack: Stack): Promise<boolean> {
  return ((await (await fetch(`${stack.urls.sim}/sim/stats`)).json()) as { idle: boolean }).idle;
}
