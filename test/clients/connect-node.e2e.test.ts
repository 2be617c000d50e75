import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  type Batch,
  BatchState,
  type BulkSendStreamRequestSchema,
  DispatchService,
  ErrorDetailSchema,
  ErrorKind,
  MessageStatus,
  StatusService,
} from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { turnKnobs } from "../e2e/ledger.ts";

/** So fast that a message is delivered a moment after it was sent, and so slow that none is while a test runs. */
const fast = { speed: 20 };
const slow = { speed: 0.001 };

let stack: Stack;
const sessions: Http2SessionManager[] = [];

beforeAll(async () => {
  stack = await startStack({ env: { sim: { SIM_SPEED: `${fast.speed}` } } });
});
afterEach(() => turnKnobs(stack, fast));
afterAll(async () => {
  for (const session of sessions) session.abort();
  await stack?.stop();
});

/** Which service a transport leads to; behind the gateway both are one. */
type Door = "dispatch" | "statusQuery";
type Options = { interceptors: Interceptor[] };

function http1(create: typeof createConnectTransport, more: object) {
  return (_door: Door, options: Options) =>
    create({ baseUrl: stack.urls.gateway, httpVersion: "1.1", ...more, ...options });
}

function grpc(door: Door, options: Options): Transport {
  const baseUrl = `http://${stack.urls[`${door}Grpc`]}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  sessions.push(sessionManager);
  return createGrpcTransport({ baseUrl, sessionManager, ...options });
}

const transports: readonly (readonly [string, (door: Door, options: Options) => Transport])[] = [
  ["Connect with protobuf", http1(createConnectTransport, { useBinaryFormat: true })],
  ["Connect with JSON", http1(createConnectTransport, { useBinaryFormat: false })],
  ["Connect with GET", http1(createConnectTransport, { useHttpGet: true })],
  ["gRPC-Web with protobuf", http1(createGrpcWebTransport, { useBinaryFormat: true })],
  ["gRPC-Web with JSON", http1(createGrpcWebTransport, { useBinaryFormat: false })],
  ["gRPC", grpc],
];

function clients(transportTo: (door: Door, options: Options) => Transport, key: string | undefined = stack.apiKey) {
  const authorize: Interceptor = (next) => (request) => {
    if (key !== "") request.header.set("authorization", `Bearer ${key}`);
    return next(request);
  };
  const options = { interceptors: [authorize] };
  return {
    dispatch: createClient(DispatchService, transportTo("dispatch", options)),
    status: createClient(StatusService, transportTo("statusQuery", options)),
  };
}

function order() {
  return {
    idempotencyKey: randomUUID(),
    content: { kind: { case: "text" as const, value: { body: "Grüße 👋" } } },
    recipients: [
      { phone: "+1 212 555 0123", metadata: { customer: 42, tags: ["a", null, { b: true }] } },
      { phone: "+1 212 555 0124" },
      { phone: "nonsense" },
      { phone: "whatsapp:+12125550123" },
    ],
  };
}

describe.each(transports)("%s", (_name, transportTo) => {
  test("a batch goes all its way: sent once per key, followed, listed and told", async () => {
    const { dispatch, status } = clients(transportTo);
    const request = order();
    const sent = await dispatch.bulkSend(request);
    expect(sent).toMatchObject({ acceptedCount: 2, rejectedCount: 1, rejected: [{ index: 2 }] });
    expect(sent.messageIds[3]).toBe(sent.messageIds[0]);
    expect((await dispatch.bulkSend(request)).batchId).toBe(sent.batchId);

    const { batchId } = sent;
    let last: Batch | undefined;
    for await (const { batch } of status.watchBatch({ batchId })) last = batch;
    expect(last).toMatchObject({ id: batchId, state: BatchState.COMPLETED, total: 2, rejectedCount: 1, settled: true });
    expect((await status.getBatch({ batchId })).batch).toMatchObject({ id: batchId, settled: true });

    const first = await status.listMessages({ batchId, pageSize: 1 });
    const second = await status.listMessages({ batchId, pageSize: 1, pageToken: first.nextPageToken });
    expect(second.nextPageToken).toBe("");
    const listed = [...first.messages, ...second.messages];
    expect(listed.map(({ recipient }) => recipient).toSorted()).toEqual(["+12125550123", "+12125550124"]);

    const { message, timeline } = await status.getMessage({ messageId: sent.messageIds[0]! });
    expect(message).toMatchObject({
      batchId,
      recipient: "+12125550123",
      messageContent: "Grüße 👋",
      metadata: { customer: 42, tags: ["a", null, { b: true }] },
    });
    expect(timeline[0]?.status).toBe(MessageStatus.ACCEPTED);
    expect(timeline.map((event) => event.status)).toContain(MessageStatus.DELIVERED);
  });

  test("a refusal says what is wrong where, and under which id we know of it", async () => {
    const { dispatch, status } = clients(transportTo);
    const blank = { ...order(), content: { kind: { case: "text" as const, value: { body: "" } } } };
    const error = await refusal(dispatch.bulkSend(blank, { headers: { "x-request-id": "my-request-7" } }));
    expect([error.code, error.kind]).toEqual([Code.InvalidArgument, ErrorKind.INVALID]);
    expect(error.violations).toMatchObject([{ field: "content.text.body" }]);
    expect(error.requestId).toBe("my-request-7");

    const nonsense = await refusal(status.getBatch({ batchId: "nonsense" }));
    expect(nonsense.violations).toMatchObject([{ field: "batch_id", reason: "must be a valid UUID" }]);
    const unknown = await refusal(status.getMessage({ messageId: randomUUID() }));
    expect([unknown.code, unknown.kind]).toEqual([Code.NotFound, ErrorKind.NOT_FOUND]);
    const watched = await refusal(drain(status.watchBatch({ batchId: randomUUID() })));
    expect([watched.code, watched.kind]).toEqual([Code.NotFound, ErrorKind.NOT_FOUND]);
    const request = order();
    await dispatch.bulkSend(request);
    const conflict = await refusal(dispatch.bulkSend({ ...request, recipients: request.recipients.slice(0, 1) }));
    expect([conflict.code, conflict.kind]).toEqual([Code.AlreadyExists, ErrorKind.CONFLICT]);
  });

  test.each([
    ["no key", ""],
    ["a wrong key", "wahub_wrong"],
  ])("%s opens nothing", async (_which, key) => {
    const { dispatch, status } = clients(transportTo, key);
    const batchId = randomUUID();
    const calls = [dispatch.bulkSend(order()), status.getBatch({ batchId }), drain(status.watchBatch({ batchId }))];
    for (const error of await Promise.all(calls.map(refusal))) {
      expect([error.code, error.kind]).toEqual([Code.Unauthenticated, ErrorKind.UNAUTHENTICATED]);
    }
  });

  test("a stream ends at the caller's deadline, or when the caller leaves", async () => {
    await turnKnobs(stack, slow);
    const { dispatch, status } = clients(transportTo);
    const { batchId } = await dispatch.bulkSend(order());
    const late = await failure(drain(status.watchBatch({ batchId }, { timeoutMs: 500 })));
    expect(late.code).toBe(Code.DeadlineExceeded);
    const leave = new AbortController();
    const left = await failure(drain(status.watchBatch({ batchId }, { signal: leave.signal }), () => leave.abort()));
    expect(left.code).toBe(Code.Canceled);
  });
});

describe("BulkSendStream", () => {
  async function* parts(): AsyncGenerator<MessageInitShape<typeof BulkSendStreamRequestSchema>> {
    const { idempotencyKey, content, recipients } = order();
    yield { part: { case: "header", value: { idempotencyKey, content } } };
    for (const recipient of recipients) yield { part: { case: "recipients", value: { recipients: [recipient] } } };
  }

  test("takes recipients in chunks over gRPC", async () => {
    const { dispatch, status } = clients(grpc);
    const sent = await dispatch.bulkSendStream(parts());
    expect(sent).toMatchObject({ acceptedCount: 2, duplicateCount: 1, rejectedCount: 1, rejected: [{ index: 2 }] });
    expect((await status.getBatch({ batchId: sent.batchId })).batch?.total).toBe(2);
  });

  test.each(transports.filter(([name]) => name !== "gRPC"))("is refused over %s", async (_name, transportTo) => {
    const { dispatch } = clients(transportTo);
    const error = await failure(dispatch.bulkSendStream(parts()));
    expect(error.code).toBe(Code.Unimplemented);
    expect(error.rawMessage).toContain("over gRPC");
  });
});

async function drain(stream: AsyncIterable<unknown>, onMessage = (_message: unknown): void => {}): Promise<void> {
  for await (const message of stream) onMessage(message);
}

/** What the call was refused with: the code, and everything its ErrorDetail says. */
async function refusal(call: Promise<unknown>) {
  const error = await failure(call);
  const [detail] = error.findDetails(ErrorDetailSchema);
  return { code: error.code, ...detail! };
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call should have failed");
}
