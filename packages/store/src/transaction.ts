import type { Pool, PoolClient } from "pg";

/** Deadlock and serialization failure: PostgreSQL undid everything, so doing it again is safe. */
const retryableCodes = new Set(["40P01", "40001"]);

/** How often work that lost a deadlock is done again before its error is passed on. */
const maxRepeats = 5;

/** Runs `work` in one transaction on a connection of its own; repeats it when it loses a deadlock. */
export async function withTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return repeatAfterDeadlock(async () => {
    const client = await pool.connect();
    try {
      await client.query("begin");
      const result = await work(client);
      await client.query("commit");
      client.release();
      return result;
    } catch (error) {
      // A connection that cannot even roll back is thrown away instead of going back to the pool.
      const rolledBack = await client.query("rollback").then(
        () => true,
        () => false,
      );
      client.release(!rolledBack);
      throw error;
    }
  });
}

/** Runs `work` again when it loses a deadlock. For single statements, which are transactions of their own. */
export async function repeatAfterDeadlock<T>(work: () => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats++) {
    try {
      return await work();
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (typeof code !== "string" || !retryableCodes.has(code) || repeats >= maxRepeats) throw error;
    }
  }
}
