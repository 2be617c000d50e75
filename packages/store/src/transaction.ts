import { setTimeout as sleep } from "node:timers/promises";
import type { Pool, PoolClient } from "pg";
import { HubError } from "@wahub/domain";
import { borrow } from "./cancelable.ts";
import { toStoreError } from "./store-errors.ts";

/** Deadlock and serialization failure: PostgreSQL undid everything, so doing it again is safe. */
const retryableCodes = new Set(["40P01", "40001"]);

/** How often work that lost a deadlock is done again before its error is passed on. */
const maxRepeats = 5;

/** The first wait before it is done again, on average; each further one is twice as long. */
const firstWaitMs = 10;

/**
 * Runs `work` in one transaction on a connection of its own; repeats it when it loses a deadlock.
 *
 * @param options.signal when it is aborted before the commit has begun, nothing of the work stays, and the signal's
 *   reason is thrown
 */
export async function withTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<T> {
  const { signal } = options;
  return repeatAfterDeadlock(async () => {
    const loan = await borrow(pool, signal);
    const { client } = loan;
    let committing = false;
    try {
      await client.query("begin");
      const result = await work(client);
      signal?.throwIfAborted();
      loan.settle();
      committing = true;
      await client.query("commit");
      loan.end(false);
      return result;
    } catch (error) {
      loan.settle();
      // Nobody waits for the rollback of a server that does not answer: what it has not committed it takes back itself.
      const away = signal?.aborted === true || toStoreError(error) instanceof HubError;
      loan.end(away || !(await rollback(client)));
      if (!committing) signal?.throwIfAborted();
      throw error;
    }
  });
}

/** True when it went through; otherwise the connection is of no more use. */
function rollback(client: PoolClient): Promise<boolean> {
  return client.query("rollback").then(
    () => true,
    () => false,
  );
}

/**
 * Runs `work` again when it loses a deadlock or could not be serialized: at most five times, after waits that grow and are
 * spread, so that those who were in each other's way are not so again. For single statements, which are transactions of
 * their own; inside another transaction, which is lost, it would hide why.
 */
export async function repeatAfterDeadlock<T>(work: () => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await work();
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (typeof code !== "string" || !retryableCodes.has(code) || repeats >= maxRepeats) throw error;
    }
    await sleep(firstWaitMs * 2 ** repeats * (0.5 + Math.random()));
  }
}
