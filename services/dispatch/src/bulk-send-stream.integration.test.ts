import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createGrpcClient, loadConfig, type App } from "@wahub/platform";
import { BatchState, DispatchService, type BulkSendStreamRequestSchema } from "@wahub/proto";
import { createTestDatabase, readBalance, watchRows, type TestDatabase } from "@wahub/store/testing";
import { createDispatch } from "./app.ts";
import { config } from "./config.ts";

type Part = MessageInitShape<typeof BulkSendStreamRequestSchema>;
const apiKey = `key-${randomUUID()}`;
const call = { authorization: `Bearer ${apiKey}` };
let db: TestDatabase;
let app: App;
let dispatch: ReturnType<typeof connect>;

const connect = (port: number) => createGrpcClient(DispatchService, `127.0.0.1:${port}`);

beforeAll(async () => {
  db = await createTestDatabase();
  app = createDispatch(
    loadConfig(config, {
      HOST: "127.0.0.1",
      GRPC_PORT: "0",
      ADMIN_PORT: "0",
      LOG_LEVEL: "silent",
      DATABASE_URL: db.databaseUrl,
      REDIS_URL: process.env["TEST_REDIS_URL"]!,
      REDIS_PREFIX: `test-${randomBytes(6).toString("hex")}`,
      BOOTSTRAP_API_KEY: apiKey,
      TWILIO_ACCOUNT_SID: `AC${"1".repeat(32)}`,
      TWILIO_WHATSAPP_FROM: "+15005550006",
      STREAM_OWNER_TIMEOUT_MS: "10000",
    }),
  );
  await app.start();
  dispatch = connect(app.ports()["grpc"]!);
});
afterAll(async () => {
  dispatch?.close();
  await app?.stop();
  await db?.drop();
});

const header = (
  idempotencyKey = randomUUID() as string,
  more: { allOrNothing?: boolean; body?: string } = {},
): Part => ({
  part: {
    case: "header",
    value: {
      idempotencyKey,
      content: { kind: { case: "text", value: { body: more.body ?? "Hello" } } },
      allOrNothing: more.allOrNothing ?? false,
    },
  },
});
const phone = (i: number): string => `+1212${String(2_000_000 + i)}`;
const chunk = (from: number, count: number): Part => ({
  part: {
    case: "recipients",
    value: { recipients: Array.from({ length: count }, (_, i) => ({ phone: phone(from + i) })) },
  },
});
async function* parts(...all: Part[]): AsyncGenerator<Part> {
  yield* all;
}
/** Sends the parts and then breaks the call off, once the first rows are stored. */
function breakOff(...all: Part[]): Promise<void> {
  return breakOffAfter(`new.state = ${BatchState.ACCEPTING} and new.received > 0`, ...all);
}
/** Sends the parts and then breaks the call off, once such a batch is stored. */
async function breakOffAfter(condition: string, ...all: Part[]): Promise<void> {
  const gone = new AbortController();
  const stored = await watchRows(db.store, "batch", condition);
  const hanging = async function* () {
    yield* all;
    await stored.seen;
    gone.abort();
    await new Promise((resolve) => gone.signal.addEventListener("abort", resolve, { once: true }));
  };
  await expect(dispatch.bulkSendStream(hanging(), { ...call, signal: gone.signal })).rejects.toThrow();
}
const batchRow = async (id: string) =>
  (await db.store.pool.query("select * from batch where id = $1", [id])).rows[0] as Record<string, unknown>;
const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

describe("a stream of recipients", () => {
  test("becomes one running batch with a row for each distinct recipient", async () => {
    const answer = await dispatch.bulkSendStream(
      parts(header(), chunk(0, 7_000), chunk(6_900, 3_000), chunk(20_000, 1), {
        part: { case: "recipients", value: { recipients: [{ phone: "nonsense" }, { phone: phone(1) }] } },
      }),
      call,
    );
    expect(answer).toMatchObject({
      acceptedCount: 9_901,
      duplicateCount: 101,
      rejectedCount: 1,
      rejected: [{ index: 10_001 }],
    });
    expect(await batchRow(answer.batchId)).toMatchObject({ state: BatchState.RUNNING, total: 9_901, owner: null });
    const { counted, stored } = await readBalance(db.store, answer.batchId);
    expect(counted).toEqual(stored);
    expect(sum(stored)).toBe(9_901);
  });

  test("that breaks off is resumed by sending it again, cut in other pieces, and stores nothing twice", async () => {
    const key = randomUUID();
    await breakOff(header(key), chunk(0, 6_000));
    const { rows } = await db.store.pool.query<{ id: string }>("select id from batch where idempotency_key = $1", [
      key,
    ]);
    const answer = await dispatch.bulkSendStream(parts(header(key), chunk(0, 2_500), chunk(2_500, 7_500)), call);
    expect(answer).toMatchObject({ batchId: rows[0]!.id, acceptedCount: 10_000, duplicateCount: 0 });
    expect(sum((await readBalance(db.store, answer.batchId)).stored)).toBe(10_000);
  });

  test("is not resumed by another one under the same key, and is not harmed by it", async () => {
    const key = randomUUID();
    await breakOff(header(key), chunk(0, 6_000));
    const conflict = { kind: "conflict" };
    await expect(
      dispatch.bulkSendStream(parts(header(key, { body: "Bye" }), chunk(0, 6_000)), call),
    ).rejects.toMatchObject(conflict);
    await expect(dispatch.bulkSendStream(parts(header(key), chunk(1, 6_000)), call)).rejects.toMatchObject(conflict);
    await expect(dispatch.bulkSendStream(parts(header(key), chunk(0, 10)), call)).rejects.toMatchObject(conflict);
    const answer = await dispatch.bulkSendStream(parts(header(key), chunk(0, 6_001)), call);
    expect(answer.acceptedCount).toBe(6_001);
  });

  test("sent twice at once, and once more afterwards, makes one batch and gets one answer", async () => {
    const all = () => parts(header("twice"), chunk(30_000, 9_000));
    const [first, second] = await Promise.all([
      dispatch.bulkSendStream(all(), call),
      dispatch.bulkSendStream(all(), call),
    ]);
    expect(second).toEqual(first);
    expect(await dispatch.bulkSendStream(all(), call)).toEqual(first);
    await expect(dispatch.bulkSendStream(parts(header("twice"), chunk(0, 1)), call)).rejects.toMatchObject({
      kind: "conflict",
    });
  });

  test("whose service died is taken over when its time is up", async () => {
    const key = randomUUID();
    await breakOff(header(key), chunk(0, 6_000));
    // What a kill leaves behind: an owner that never says anything again.
    await db.store.pool.query(
      "update batch set owner = $2, owned_until = now() + interval '1 second' where idempotency_key = $1",
      [key, randomUUID()],
    );
    const answer = await dispatch.bulkSendStream(parts(header(key), chunk(0, 6_500)), call);
    expect(answer.acceptedCount).toBe(6_500);
  });

  test("is refused as a whole for one bad recipient where the caller wants that, and its key is free again", async () => {
    const key = randomUUID();
    const bad: Part = { part: { case: "recipients", value: { recipients: [{ phone: "nonsense" }] } } };
    await expect(
      dispatch.bulkSendStream(parts(header(key, { allOrNothing: true }), chunk(0, 6_000), bad), call),
    ).rejects.toMatchObject({ kind: "invalid", violations: [{ field: "recipients[6000].phone", index: 6_000 }] });
    const answer = await dispatch.bulkSendStream(parts(header(key, { allOrNothing: true }), chunk(0, 10)), call);
    expect(answer.acceptedCount).toBe(10);
  });

  test.each<[string, Part[]]>([
    ["a second header", [chunk(0, 6_000), header()]],
    ["too many recipients in one message", [chunk(0, 6_000), chunk(6_000, 10_001)]],
    ["no recipients", []],
    ["no valid recipient", [{ part: { case: "recipients", value: { recipients: [{ phone: "x" }] } } }]],
  ])("that is invalid for %s gives its key back at once, for anything", async (_case, all) => {
    const key = randomUUID();
    await expect(dispatch.bulkSendStream(parts(header(key), ...all), call)).rejects.toMatchObject({ kind: "invalid" });
    const other = await dispatch.bulkSendStream(parts(header(key, { body: "Other" }), chunk(0, 3)), call);
    expect(other.acceptedCount).toBe(3);
  });

  test("leaves nothing behind that could be sent when it breaks off and has no key", async () => {
    await breakOff(header(""), chunk(0, 6_000));
    // The service hears of the break a moment after the client; then the batch is marked, and swept by a loop.
    let left: number;
    do {
      left = (await db.store.pool.query("select from batch where idempotency_key is null and state = 1")).rowCount!;
    } while (left > 0);
    const running = await db.store.pool.query("select from batch where idempotency_key is null and state = 2");
    expect(running.rowCount).toBe(0);
  });

  test.each<[string, Part[], string]>([
    ["no header", [chunk(0, 1)], "header"],
    ["a second header", [header(), chunk(0, 1), header()], "recipients"],
    ["no recipients", [header()], "recipients"],
    ["nothing at all", [], "header"],
    [
      "no valid recipient",
      [header(), { part: { case: "recipients", value: { recipients: [{ phone: "x" }] } } }],
      "recipients[0].phone",
    ],
    ["too many in one chunk", [header(), chunk(0, 10_001)], "recipients.recipients"],
    ["no part", [{}], "part"],
  ])("is refused with %s", async (_case, all, field) => {
    await expect(dispatch.bulkSendStream(parts(...all), call)).rejects.toMatchObject({
      kind: "invalid",
      violations: [{ field }],
    });
  });

  test("does not mix with a unary call under the same key", async () => {
    const key = randomUUID();
    await breakOff(header(key), chunk(0, 6_000));
    const unary = {
      idempotencyKey: key,
      content: { kind: { case: "text" as const, value: { body: "Hello" } } },
      recipients: [{ phone: phone(0) }],
    };
    await expect(dispatch.bulkSend(unary, call)).rejects.toMatchObject({ kind: "not_now" });
  });

  test("that ended before its first recipient does not lend its text to a unary call under the same key", async () => {
    const key = randomUUID();
    await breakOffAfter(`new.idempotency_key = '${key}'`, header(key));
    const unary = (body: string) => ({
      idempotencyKey: key,
      content: { kind: { case: "text" as const, value: { body } } },
      recipients: [{ phone: phone(0) }],
    });
    await expect(dispatch.bulkSend(unary("Bye"), call)).rejects.toMatchObject({ kind: "conflict" });
    expect(await dispatch.bulkSend(unary("Hello"), call)).toMatchObject({ acceptedCount: 1 });
  });
});
