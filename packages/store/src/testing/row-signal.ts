import { randomBytes } from "node:crypto";
import type { Store } from "../store.ts";

/**
 * Told by PostgreSQL itself when somebody commits a row like this, from now on.
 *
 * @param table what is watched for inserts and updates
 * @param condition SQL on the row, which is called `new`
 * @returns resolves with the signal already set up; `seen` resolves with the first such commit
 */
export async function watchRows(store: Store, table: string, condition: string): Promise<{ seen: Promise<void> }> {
  const name = `test_signal_${randomBytes(6).toString("hex")}`;
  const client = await store.pool.connect();
  const { promise: seen, resolve, reject } = Promise.withResolvers<void>();
  // Whoever has lost interest is not told of a connection that ended with its test.
  seen.catch(() => undefined);
  const lost = (error: Error): void => reject(error);
  client.once("error", lost);
  client.once("notification", () => {
    resolve();
    client.off("error", lost);
    void client.query(`unlisten ${name}`).then(
      () => client.release(),
      () => client.release(true),
    );
  });
  await client.query(`listen ${name}`);
  await client.query(
    `create function ${name}() returns trigger language plpgsql as $$ begin perform pg_notify('${name}', ''); return null; end $$;
     create trigger ${name} after insert or update on ${table} for each row when (${condition}) execute function ${name}()`,
  );
  return { seen };
}
