import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { BatchState, MessageStatus, type Batch } from "@wahub/proto";
import { startStack, type ServiceName, type Stack } from "@wahub/stack";
import { Client } from "pg";
import { connectHub, fictionalPhones, type Hub } from "./hub.ts";
import { readLedger } from "./ledger.ts";

let stack: Stack;
let hub: Hub;

beforeAll(async () => {
  stack = await startStack({ env: { dispatch: { SENDER_MESSAGES_PER_SECOND: "100" } } });
  hub = connectHub(stack);
});
afterAll(async () => {
  hub?.close();
  await stack?.stop();
});

const content = { kind: { case: "text" as const, value: { body: "Your parcel arrives tomorrow." } } };
const order = (phones: readonly string[]) => ({
  idempotencyKey: randomUUID() as string,
  content,
  recipients: phones.map((phone) => ({ phone })),
});
const sum = (counts: readonly { count: number }[]): number => counts.reduce((total, { count }) => total + count, 0);
const goneFrom = ({ counts }: Batch): number => sum(counts.filter(({ status }) => status >= MessageStatus.SUBMITTED));

/** Resolves when some of the batch are with Twilio and some are not. */
async function halfSent(batchId: string): Promise<void> {
  for await (const { batch } of hub.status.watchBatch({ batchId }, hub.call)) if (goneFrom(batch!) >= 40) return;
}

/** Follows the batch until nothing of it is left to send, over any number of interruptions. */
async function completed(batchId: string): Promise<Batch> {
  for (;;) {
    const { batch } = await answered(() => hub.status.getBatch({ batchId }, hub.call));
    if (batch!.state === BatchState.COMPLETED) return batch!;
    await sleep(100);
  }
}

/** The answer, asked for again for as long as the hub says that it is unavailable. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof HubError) || error.kind !== "unavailable") throw error;
      await sleep(50);
    }
  }
}

/** Everybody got exactly one message of the batch, and the database knows which. */
async function expectOneEach(batchId: string, phones: readonly string[]): Promise<void> {
  const messages = await hub.messages(batchId);
  const ours = new Set(messages.map(({ id }) => id));
  const ledger = (await readLedger(stack)).filter(({ statusCallback }) =>
    ours.has(new URL(statusCallback).searchParams.get("m") ?? ""),
  );
  expect(messages.map(({ recipient }) => recipient).toSorted()).toEqual(phones.toSorted());
  expect(ledger.map(({ to }) => to).toSorted()).toEqual(phones.map((phone) => `whatsapp:${phone}`).toSorted());
  expect(messages.map(({ twilioSid }) => twilioSid).toSorted()).toEqual(ledger.map(({ sid }) => sid).toSorted());
}

const rest = (phones: readonly string[], key: string = randomUUID()) =>
  fetch(`${stack.urls.gateway}/bulk-send`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.apiKey}`,
      "content-type": "application/json",
      "idempotency-key": key,
    },
    body: JSON.stringify({ phone_numbers: phones, message: "Hello" }),
  });

/** The checks of `/readyz` that are not fulfilled, and its status. */
async function readiness(adminUrl: string): Promise<{ status: number; missing: string[] }> {
  const response = await fetch(`${adminUrl}/readyz`);
  const { checks } = (await response.json()) as { checks: { name: string; ok: boolean }[] };
  return { status: response.status, missing: checks.filter(({ ok }) => !ok).map(({ name }) => name) };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

/** How a call failed, and how long that took. */
async function failure(call: Promise<unknown>): Promise<{ kind: string; tookMs: number }> {
  const begun = performance.now();
  const kind = await call.then(
    () => "answered",
    (error: unknown) => (error instanceof HubError ? error.kind : String(error)),
  );
  return { kind, tookMs: performance.now() - begun };
}

describe("PostgreSQL goes away in the middle of a batch and comes back", () => {
  test.each(["stop", "kill"] as const)(
    "(%s): every door says so in time, and everybody gets the message once",
    async (how) => {
      const phones = fictionalPhones(300);
      const { batchId } = await hub.dispatch.bulkSend(order(phones), hub.call);
      await halfSent(batchId);
      const watch = hub.status.watchBatch({ batchId }, hub.call)[Symbol.asyncIterator]();
      await watch.next();
      await stack.postgres![how]();

      const failures = await Promise.all([
        failure(hub.dispatch.bulkSend(order(phones), hub.call)),
        failure(hub.dispatch.bulkSendStream(stream(order(phones)), hub.call)),
        failure(hub.status.getBatch({ batchId }, hub.call)),
        failure(hub.status.listMessages({ batchId }, hub.call)),
        failure(untilEnd(watch)),
      ]);
      expect(failures.map(({ kind }) => kind)).toEqual(failures.map(() => "unavailable"));
      expect(Math.max(...failures.map(({ tookMs }) => tookMs))).toBeLessThan(8_000);
      expect((await rest(phones)).status).toBe(503);
      for (const name of ["dispatch", "sender", "webhook-ingest", "status-query"] as const) {
        const { status, missing } = await readiness(stack.urls.admin[name]);
        expect([status, missing[0]]).toEqual([503, "postgresql"]);
      }

      await stack.postgres!.start();
      const batch = await completed(batchId);
      expect(sum(batch.counts)).toBe(300);
      expect(batch.counts.every(({ status }) => status >= MessageStatus.SUBMITTED)).toBe(true);
      await expectOneEach(batchId, phones);
      for (const name of ["dispatch", "sender", "webhook-ingest", "status-query"] as const) {
        await until(async () => (await readiness(stack.urls.admin[name])).status === 200);
      }
    },
  );
});

async function* stream({ recipients, ...header }: ReturnType<typeof order>) {
  yield { part: { case: "header" as const, value: header } };
  yield { part: { case: "recipients" as const, value: { recipients } } };
}

async function untilEnd(iterator: AsyncIterator<unknown>): Promise<void> {
  while (!(await iterator.next()).done);
}

describe("Redis is killed in the middle of a batch and comes back empty", () => {
  test("batches are accepted all the while, and everybody gets the message once", async () => {
    const phones = fictionalPhones(300);
    const { batchId } = await hub.dispatch.bulkSend(order(phones), hub.call);
    await halfSent(batchId);
    await stack.redis!.kill();

    const more = fictionalPhones(50, 617);
    const { batchId: second } = await hub.dispatch.bulkSend(order(more), hub.call);
    expect((await rest(more)).status).toBe(200);
    // What accepts stays ready, what sends does not.
    expect(await readiness(stack.urls.admin.dispatch)).toEqual({ status: 200, missing: ["redis"] });
    expect(await readiness(stack.urls.admin.sender)).toEqual({ status: 503, missing: ["redis"] });

    await stack.redis!.start();
    for (const [id, recipients] of [
      [batchId, phones],
      [second, more],
    ] as const) {
      await completed(id);
      await expectOneEach(id, recipients);
    }
    const metrics = await (await fetch(`${stack.urls.admin.dispatch}/metrics`)).text();
    expect(metrics).toMatch(/^whatsapphub_redis_forgotten_total\{[^}]*\} [1-9]/m);
    await until(async () => (await readiness(stack.urls.admin.sender)).status === 200);
  });
});

describe("services that are told to stop under load", () => {
  test("lose no call: what was answered is stored, what was not is stored once when it is called again", async () => {
    const answers = new Map<string, string>();
    const kinds = new Set<string>();
    let isOver = false;
    const repeat = async (call: (key: string, phone: string) => Promise<string>): Promise<void> => {
      for (let n = 0; !isOver; n += 1) {
        const key = randomUUID();
        const phone = fictionalPhones(1000)[n % 1000]!;
        for (let batchId = ""; batchId === "";) {
          try {
            batchId = await call(key, phone);
            answers.set(key, batchId);
          } catch (error) {
            kinds.add(error instanceof HubError ? error.kind : String(error));
            await sleep(20);
          }
        }
      }
    };
    const overGrpc = async (idempotencyKey: string, phone: string): Promise<string> =>
      (await hub.dispatch.bulkSend({ ...order([phone]), idempotencyKey }, hub.call)).batchId;
    const overRest = async (key: string, phone: string): Promise<string> => {
      const response = await rest([phone], key).catch((error: unknown) => {
        // Nobody listens while the gateway restarts. A connection that breaks off otherwise has lost a call.
        const { code } = (error as { cause: { code?: string } }).cause;
        throw code === "ECONNREFUSED" ? new HubError("unavailable", "restarting") : error;
      });
      if (response.status === 503) throw new HubError("unavailable", await response.text());
      expect(response.status).toBe(200);
      return ((await response.json()) as { batch_id: string }).batch_id;
    };
    const callers = [...Array.from({ length: 4 }, () => overGrpc), ...Array.from({ length: 4 }, () => overRest)];
    const calling = Promise.all(callers.map(repeat));
    for (const name of ["dispatch", "gateway", "dispatch"] satisfies ServiceName[]) {
      const before = answers.size;
      await until(async () => answers.size > before + 40);
      await stack.service(name).restart();
    }
    const before = answers.size;
    await until(async () => answers.size > before + 40);
    isOver = true;
    await calling;

    expect([...kinds].filter((kind) => kind !== "unavailable")).toEqual([]);
    const stored = await storedBatches([...answers.keys()]);
    expect(stored.length).toBe(answers.size);
    expect(new Map(stored.map(({ key, id }) => [key, id]))).toEqual(answers);
    expect(stored.every(({ total, messages }) => total === 1 && messages === 1)).toBe(true);
  });
});

/** The batches with these idempotency keys, straight from the database. */
async function storedBatches(keys: readonly string[]) {
  const client = new Client({ connectionString: stack.urls.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ key: string; id: string; total: number; messages: number }>(
      `select b.idempotency_key as key, b.id, b.total, count(m.id)::int as messages
         from batch b left join message m on m.batch_id = b.id
        where b.idempotency_key = any($1) group by b.id`,
      [keys],
    );
    return rows;
  } finally {
    await client.end();
  }
}

describe("services that find neither PostgreSQL nor Redis at their start", () => {
  test("wait, say what is missing, and start when they are there", async () => {
    const names = ["webhook-ingest", "dispatch", "status-query", "sender"] satisfies ServiceName[];
    await Promise.all(names.map((name) => stack.service(name).stop()));
    await stack.redis!.stop();
    await stack.postgres!.stop();
    const adminPort = randomInt(20_000, 30_000);
    const restarts = names.map((name, i) => stack.service(name).restart({ ADMIN_PORT: `${adminPort + i}` }));
    const admin = (name: (typeof names)[number]): string => `http://127.0.0.1:${adminPort + names.indexOf(name)}`;
    const missing = async (name: (typeof names)[number]): Promise<string[]> => {
      const up = () =>
        fetch(`${admin(name)}/livez`).then(
          () => true,
          () => false,
        );
      await until(up);
      return (await readiness(admin(name))).missing;
    };
    expect(await missing("dispatch")).toEqual(["process", "postgresql", "schema", "redis"]);
    expect(await missing("sender")).toEqual(["process", "postgresql", "schema", "redis"]);
    expect(await missing("status-query")).toEqual(["process", "postgresql", "schema"]);
    expect(await missing("webhook-ingest")).toEqual(["postgresql", "schema"]);
    await until(async () => (await readiness(stack.urls.admin.gateway)).missing.length === 2);
    expect((await rest(["+12125550100"])).status).toBe(503);

    await stack.redis!.start();
    await stack.postgres!.start();
    await Promise.all(restarts);
    for (const name of names) await until(async () => (await readiness(admin(name))).status === 200);
    const phones = fictionalPhones(20, 718);
    const { batchId } = await answered(() => hub.dispatch.bulkSend(order(phones), hub.call));
    await completed(batchId);
    await expectOneEach(batchId, phones);
  });
});
