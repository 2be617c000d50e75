// npm run bench -- [recipients]: a BulkSendStream of a million recipients through the real service, beside the
// raw ceiling, which is COPY of the same rows into the same table by psql's means. Then the same stream killed half way
// and sent again. Prints a line of JSON per figure. `npm run bench -- redis-memory` measures something else.
import { readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createGrpcClient } from "@wahub/platform";
import { DispatchService, type BulkSendStreamRequestSchema } from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { Client } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { measureRedisMemory } from "./redis-memory.ts";

type Part = MessageInitShape<typeof BulkSendStreamRequestSchema>;

if (process.argv[2] === "redis-memory") {
  await measureRedisMemory();
  process.exit();
}

const recipients = Number(process.argv[2] ?? 1_000_000);
const recipientsPerChunk = 5_000;

const stack = await startStack({ durable: true, env: { dispatch: { LOG_LEVEL: "warn" } } });
try {
  const database = new Client({ connectionString: stack.urls.databaseUrl });
  await database.connect();
  // The sender would send meanwhile; the subject here is the intake.
  await stack.service("sender").stop();
  report({ figure: "raw_copy_rows_per_second", value: await rawCopy(database) });
  await steadyStream(stack, database);
  await killedStream(stack, database);
  await database.end();
} finally {
  await stack.stop();
}
process.exit();

async function steadyStream(on: Stack, database: Client): Promise<void> {
  const memory = watchMemory(on.service("dispatch").pid);
  const startedAt = performance.now();
  const answer = await send(on, "steady");
  const seconds = (performance.now() - startedAt) / 1000;
  report({ figure: "stream_recipients_per_second", value: Math.round(recipients / seconds), seconds: round(seconds) });
  report({ figure: "stream_accepted", value: answer.acceptedCount, rows: await rows(database, answer.batchId) });
  report({ figure: "dispatch_peak_rss_mb", value: memory.stop(), before: memory.before });
}

/** Killed when half of the rows are in; sent again as soon as the service is back. */
async function killedStream(on: Stack, database: Client): Promise<void> {
  const broken = send(on, "killed").then(
    () => "answered",
    () => "broken",
  );
  let stored = 0;
  while (stored < recipients / 2) {
    const { rows: found } = await database.query<{ total: number }>(
      "select coalesce(max(total), 0)::int as total from batch where idempotency_key = 'killed'",
    );
    stored = found[0]!.total;
  }
  await on.service("dispatch").kill();
  report({ figure: "stream_killed_at", value: stored, call: await broken });
  await on.service("dispatch").restart();
  const startedAt = performance.now();
  const answer = await send(on, "killed");
  const seconds = (performance.now() - startedAt) / 1000;
  report({ figure: "resumed_seconds", value: round(seconds), accepted: answer.acceptedCount });
  report({ figure: "rows_after_resume", value: await rows(database, answer.batchId) });
}

async function send(on: Stack, idempotencyKey: string) {
  const dispatch = createGrpcClient(DispatchService, on.urls.dispatchGrpc);
  try {
    return await dispatch.bulkSendStream(parts(idempotencyKey), { authorization: `Bearer ${on.apiKey}` });
  } finally {
    dispatch.close();
  }
}

async function* parts(idempotencyKey: string): AsyncGenerator<Part> {
  const content = { kind: { case: "text" as const, value: { body: "Hello" } } };
  yield { part: { case: "header", value: { idempotencyKey, content } } };
  for (let from = 0; from < recipients; from += recipientsPerChunk) {
    const size = Math.min(recipientsPerChunk, recipients - from);
    const chunk = Array.from({ length: size }, (_, i) => ({
      phone: phone(from + i),
      metadata: { customer: from + i },
    }));
    yield { part: { case: "recipients", value: { recipients: chunk } } };
  }
}

/** Ten million valid numbers of one country. */
function phone(i: number): string {
  return `+1212${2_000_000 + i}`;
}

/** The same number of rows by COPY, straight into the message table, in one transaction that is rolled back. */
async function rawCopy(database: Client): Promise<number> {
  const startedAt = performance.now();
  await database.query("begin");
  const copy = database.query(
    copyFrom(
      `copy message (id, tenant_id, batch_id, recipient, recipient_key, recipient_hash, metadata, status, next_at,
                     sender_id, created_at, updated_at) from stdin`,
    ),
  );
  const prefix = Date.now().toString(16).padStart(12, "0");
  const uuid = "00000000-0000-7000-8000-000000000000";
  const at = new Date().toISOString();
  const count = Math.min(recipients, 200_000);
  function* lines(): Generator<string> {
    for (let i = 0; i < count; i++) {
      // Spread like real ids, which are digests.
      const tail = ((i * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, "0");
      const id = `${prefix.slice(0, 8)}-${prefix.slice(8)}-8${tail.slice(0, 3)}-8${tail.slice(3, 6)}-${tail.slice(6)}${i.toString(16).padStart(10, "0")}`;
      yield `${id}\t${uuid}\t${uuid}\t${phone(i)}\t${phone(i)}\t\\\\x${tail}${tail}${tail}${tail}\t{"customer":${i}}\t1\t${at}\t${uuid}\t${at}\t${at}\n`;
    }
  }
  await pipeline(Readable.from(lines()), copy);
  const seconds = (performance.now() - startedAt) / 1000;
  await database.query("rollback");
  return Math.round(count / seconds);
}

async function rows(database: Client, batchId: string): Promise<number> {
  const { rows: found } = await database.query<{ n: number }>(
    "select count(*)::int as n from message where batch_id = $1",
    [batchId],
  );
  return found[0]!.n;
}

function watchMemory(pid: number) {
  const now = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  const before = Math.round(now());
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, now())), 100);
  return {
    before,
    stop(): number {
      clearInterval(timer);
      return Math.round(peak);
    },
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

function report(figure: Record<string, unknown>): void {
  console.log(JSON.stringify(figure));
}
