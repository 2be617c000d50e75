import type { Pool, PoolClient } from "pg";
import { HubError } from "@wahub/domain";
import type { Queryable } from "./queryable.ts";
import { toStoreError } from "./store-errors.ts";

/** A connection for the work of one call. */
export interface Loan {
  readonly client: PoolClient;
  /** From now on the signal has no effect: what is under way must not be cut in the middle. */
  settle(): void;
  /** Back to the pool, or away with it when it is broken. The first call counts. */
  end(broken: boolean): void;
}

/**
 * Borrows a connection. When the signal is aborted it is closed at once, whatever runs on it: the statement fails here,
 * and PostgreSQL ends it, too, when it notices.
 *
 * @throws the signal's reason when it is aborted before there is a connection
 */
export async function borrow(pool: Pool, signal?: AbortSignal): Promise<Loan> {
  signal?.throwIfAborted();
  const client = await connected(pool, signal);
  let ended = false;
  const abort = (): void => end(true);
  const settle = (): void => signal?.removeEventListener("abort", abort);
  function end(broken: boolean): void {
    settle();
    if (!ended) client.release(broken);
    ended = true;
  }
  signal?.addEventListener("abort", abort, { once: true });
  return { client, settle, end };
}

/** The pool for reads of one call: none begins or goes on when the signal is aborted. They fail with its reason then. */
export function cancelable(pool: Pool, signal: AbortSignal): Queryable {
  const query = async (...args: unknown[]): Promise<unknown> => {
    const loan = await borrow(pool, signal);
    try {
      const result = await (loan.client as { query(...values: unknown[]): Promise<unknown> }).query(...args);
      loan.end(false);
      return result;
    } catch (error) {
      loan.end(toStoreError(error) instanceof HubError);
      signal.throwIfAborted();
      throw error;
    }
  };
  return { query: query as Queryable["query"] };
}

/** A connection from the pool. One that comes after the signal was aborted goes straight back. */
async function connected(pool: Pool, signal: AbortSignal | undefined): Promise<PoolClient> {
  const connecting = pool.connect();
  if (!signal) return connecting;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(signal.reason as Error);
    connecting.then((client) => client.release()).catch(() => undefined);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([connecting, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
