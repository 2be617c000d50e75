// npm run bench -- redis-memory: what Redis needs while ten thousand, a hundred thousand and a million messages wait, with
// the real planner filling its queues and the senders taking from them. Rows come from SQL; a line of JSON per figure.
import { createGrpcClient } from "@wahub/platform";
import { DispatchService, MessageStatus } from "@wahub/proto";
import { createRedisConnection } from "@wahub/queue";
import { startStack } from "@wahub/stack";
import { Client } from "pg";

const sizes = [10_000, 100_000, 1_000_000];
const sendForMs = 5_000;
const mb = 1024 * 1024;

/** Measures and prints; throws where a million waiting messages need more than ten thousand do, or more than 32 MB. */
export async function measureRedisMemory(): Promise<void> {
  const stack = await startStack({ env: { dispatch: { LOG_LEVEL: "warn" }, sender: { LOG_LEVEL: "warn" } } });
  const redis = createRedisConnection(stack.urls.redisUrl);
  const database = new Client({ connectionString: stack.urls.databaseUrl });
  try {
    await database.connect();
    const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))![1]);
    const idle = await used();
    await stack.service("sender").stop();
    const dispatch = createGrpcClient(DispatchService, stack.urls.dispatchGrpc);
    const { batchId } = await dispatch.bulkSend(
      { content: { kind: { case: "text", value: { body: "Hello" } } }, recipients: [{ phone: "+12125550100" }] },
      { authorization: `Bearer ${stack.apiKey}` },
    );
    dispatch.close();
    const figures: { waiting: number; waitingMb: number; sendingMb: number }[] = [];
    for (const waiting of sizes) {
      await fillUp(database, batchId, waiting);
      const jobs = await untilPlanned(database);
      const planned = await used();
      await stack.service("sender").restart();
      const peak = await highest(used, sendForMs);
      await stack.service("sender").stop();
      figures.push({ waiting, waitingMb: inMb(planned), sendingMb: inMb(peak) });
      report({ figure: "redis_memory_mb", waiting, jobs, value: inMb(planned), sending: inMb(peak), idle: inMb(idle) });
    }
    const [few, , many] = figures;
    if (many!.sendingMb > 32) throw new Error(`${many!.sendingMb} MB of Redis for ${many!.waiting} waiting messages`);
    // Queues and limits of a few seconds more or less.
    if (many!.waitingMb - few!.waitingMb > 1) throw new Error("Redis grows with the number of waiting messages");
  } finally {
    await database.end();
    redis.disconnect();
    await stack.stop();
  }
}

/** Adds rows like those of a campaign until so many of the batch wait. */
async function fillUp(database: Client, batchId: string, count: number): Promise<void> {
  await database.query(
    `with own as (
       select tenant_id, batch_id, sender_id, created_at from message where batch_id = $1 limit 1
     ), present as (
       select count(*)::int as n, count(*) filter (where status = ${MessageStatus.ACCEPTED})::int as waiting
       from message where batch_id = $1
     )
     insert into message (id, tenant_id, batch_id, recipient, recipient_key, recipient_hash, status, next_at, sender_id,
                          created_at, updated_at)
     select (left($1::text, 14) || '8' || substr(md5(i::text), 1, 3) || '-8' || substr(md5(i::text), 4, 3) || '-'
              || lpad(to_hex(i), 12, '0'))::uuid,
            own.tenant_id, own.batch_id, '+1212' || (2000000 + i), '+1212' || (2000000 + i),
            decode(md5(i::text), 'hex'), ${MessageStatus.ACCEPTED}, own.created_at, own.sender_id, own.created_at, own.created_at
     from own, present, generate_series(present.n, present.n + $2 - present.waiting) as i`,
    [batchId, count],
  );
  await database.query("analyze message");
}

/** Resolves when the planner has as many in the queue as it wants, with their number. */
async function untilPlanned(database: Client): Promise<number> {
  for (let before = -1; ;) {
    const { rows } = await database.query<{ n: number }>("select count(*)::int as n from message where status = 2");
    const [{ n }] = rows as [{ n: number }];
    if (n > 1 && n === before) return n;
    before = n;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

async function highest(read: () => Promise<number>, forMs: number): Promise<number> {
  const end = performance.now() + forMs;
  let peak = 0;
  while (performance.now() < end) {
    peak = Math.max(peak, await read());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return peak;
}

function inMb(bytes: number): number {
  return Math.round((bytes / mb) * 100) / 100;
}

function report(figure: Record<string, unknown>): void {
  console.log(JSON.stringify(figure));
}
