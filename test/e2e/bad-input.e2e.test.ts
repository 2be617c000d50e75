import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ErrorKindName } from "@wahub/domain";
import { BatchState } from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { createStore, type Store } from "@wahub/store";
import { type BadCase, badCases, doorsFor, type ExpectedRefusal, fullOrder, type Known } from "./bad-input/index.ts";
import { type Accepted, type Answer, type Door, openDoors, fine, type Refusal } from "./doors/index.ts";
import { connectHub, fictionalPhones, type Hub } from "./hub.ts";
import { addTenant } from "./tenant.ts";

/** What every door has to say to each kind. Connect has an HTTP status of its own for not_now. */
const codes: Readonly<Record<ErrorKindName, { grpc: string; connectHttp: number; restHttp: number }>> = {
  invalid: { grpc: "INVALID_ARGUMENT", connectHttp: 400, restHttp: 400 },
  unauthenticated: { grpc: "UNAUTHENTICATED", connectHttp: 401, restHttp: 401 },
  forbidden: { grpc: "PERMISSION_DENIED", connectHttp: 403, restHttp: 403 },
  not_found: { grpc: "NOT_FOUND", connectHttp: 404, restHttp: 404 },
  conflict: { grpc: "ALREADY_EXISTS", connectHttp: 409, restHttp: 409 },
  not_now: { grpc: "FAILED_PRECONDITION", connectHttp: 400, restHttp: 409 },
  limited: { grpc: "RESOURCE_EXHAUSTED", connectHttp: 429, restHttp: 429 },
  unavailable: { grpc: "UNAVAILABLE", connectHttp: 503, restHttp: 503 },
  internal: { grpc: "INTERNAL", connectHttp: 500, restHttp: 500 },
};

let stack: Stack;
let store: Store;
let hub: Hub;
let doors: readonly Door[];
let known: Known;

beforeAll(async () => {
  stack = await startStack();
  store = createStore({ databaseUrl: stack.urls.databaseUrl, applicationName: "bad-input-test", poolMax: 2 });
  doors = openDoors(stack.urls);
  hub = connectHub(stack);
  const usedKey = randomUUID();
  const { batchId, messageIds } = await hub.dispatch.bulkSend(
    {
      idempotencyKey: usedKey,
      content: { kind: { case: "text", value: { body: "Hello" } } },
      recipients: fictionalPhones(3).map((phone) => ({ phone })),
    },
    hub.call,
  );
  const canceled = await hub.dispatch.bulkSend(
    { content: { kind: { case: "text", value: { body: "Hello" } } }, recipients: [{ phone: fictionalPhones(1)[0]! }] },
    hub.call,
  );
  const canceledId = canceled.batchId;
  await hub.dispatch.cancelBatch({ batchId: canceledId }, hub.call);
  const { nextPageToken } = await hub.status.listMessages({ batchId, pageSize: 1 }, hub.call);
  const otherKey = `wahub_${randomBytes(24).toString("base64url")}`;
  await addTenant(store, otherKey);
  const [messageId] = messageIds;
  const key = stack.apiKey;
  known = { batchId, canceledId, messageId: messageId!, pageToken: nextPageToken, usedKey, key, otherKey };
});
afterAll(async () => {
  hub?.close();
  for (const door of doors ?? []) door.close();
  await store?.close();
  await stack?.stop();
});

describe("bad input is refused the same at every door", () => {
  test.each(badCases)("$name", async (badCase) => {
    const request = of(badCase.request);
    const authorization = badCase.authorization === undefined ? `Bearer ${known.key}` : badCase.authorization(known);
    const answers = new Map<Door, Answer>();
    for (const door of doors) {
      const before = await rowCounts();
      const answer = await door.send(request, authorization);
      if (answer === undefined) continue;
      const stored = (await rowCounts()).map((count, table) => count - before[table]!);
      expect([door.name, ...stored]).toEqual([door.name, ...rowsFor(door, badCase, answers.size)]);
      answers.set(door, answer);
    }
    const went = [...answers.keys()].map(({ name }) => name);
    expect(new Set(went)).toEqual(new Set(badCase.only ?? doorsFor(request)));
    for (const [door, answer] of answers) {
      expect([door.name, answer]).toMatchObject([door.name, expectedAt(door, badCase)]);
    }
    const alike = [...answers].filter(([door]) => badCase.apart?.[door.name] === undefined);
    const [first] = alike;
    for (const [, answer] of alike) expect(inCommon(answer)).toEqual(inCommon(first![1]));
  });
});

describe("what is taken", () => {
  test("comes back at every door as it was sent, also where it only just fits", async () => {
    for (const door of doors) {
      const answer = await door.send({ order: fullOrder }, `Bearer ${known.key}`);
      expect([door.name, answer]).toMatchObject([door.name, { accepted: fullOrder.recipients.length }]);
      for (const [at, id] of ((answer as Accepted).messageIds ?? []).entries()) {
        const { message } = await hub.status.getMessage({ messageId: id }, hub.call);
        const { phone, metadata = fullOrder.metadata } = fullOrder.recipients[at]!;
        expect(message).toMatchObject({ recipient: phone, messageContent: fullOrder.text });
        expect(message?.metadata).toEqual(metadata);
        for (const reader of doors) {
          const read = await reader.send({ getMessage: id }, `Bearer ${known.key}`);
          if (read !== undefined) expect([reader.name, read]).toEqual([reader.name, fine]);
        }
      }
    }
  });
});

function of<T>(value: T | ((all: Known) => T)): T {
  return typeof value === "function" ? (value as (all: Known) => T)(known) : value;
}

/** Batches and messages that the call should leave behind: a repeated key leaves nothing the second time. */
function rowsFor(door: Door, badCase: BadCase, doorsBefore: number): readonly number[] {
  const answer = answerAt(door, badCase);
  const request = of(badCase.request);
  const repeats = "order" in request && request.order.idempotencyKey !== undefined && doorsBefore > 0;
  const sends = !("control" in request);
  return "accepted" in answer && sends && !repeats ? [1, answer.accepted] : [0, 0];
}

/** What a stream stored before it was refused is discarded at once, and deleted in the background. */
async function rowCounts(): Promise<number[]> {
  const { rows } = await store.pool.query<{ batches: string; messages: string }>(
    `with kept as (select id from batch where state <> ${BatchState.DISCARDING})
     select (select count(*) from kept) as batches,
            (select count(*) from message where batch_id in (select id from kept)) as messages`,
  );
  return [Number(rows[0]!.batches), Number(rows[0]!.messages)];
}

function answerAt(door: Door, badCase: BadCase): Accepted | (ExpectedRefusal & Partial<Refusal>) {
  const answer = of(badCase.answer);
  const apart = badCase.apart?.[door.name] ?? {};
  if ("accepted" in apart) return apart;
  return "accepted" in answer ? answer : { ...answer, ...apart };
}

function expectedAt(door: Door, badCase: BadCase): unknown {
  const answer = answerAt(door, badCase);
  if ("accepted" in answer) return answer;
  return {
    kind: answer.kind,
    message: answer.message ?? messageOf(answer),
    violations: answer.violations,
    ...shown(door, answer, "watchBatch" in of(badCase.request)),
  };
}

function shown(
  door: Door,
  { kind, httpStatus }: ExpectedRefusal & Partial<Refusal>,
  isStream: boolean,
): Partial<Refusal> {
  const { grpc: code, connectHttp, restHttp } = codes[kind];
  if (door.name === "REST") return { httpStatus: httpStatus ?? restHttp };
  // The status of gRPC-Web and of streams is always 200.
  return door.name.startsWith("Connect") && !isStream ? { code, httpStatus: connectHttp } : { code };
}

function messageOf({ violations = [] }: ExpectedRefusal): string {
  const [first] = violations;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return `${first?.field}: ${first?.reason}${more}`;
}

/** The answer without what each protocol has of its own. */
function inCommon(answer: Answer): unknown {
  if (!("kind" in answer)) return { accepted: answer.accepted, rejected: answer.rejected };
  const { kind, message, violations } = answer;
  return { kind, message, violations };
}
