import { createClient, Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { HubError, invalid } from "@wahub/domain";
import { DispatchService, ErrorDetailSchema, ErrorKind, StatusService } from "@wahub/proto";
import { type StartedGateway, startGateway } from "./testing/started-gateway.ts";
import { createStubBackend, goodKey } from "./testing/stub-backend.ts";

const backend = createStubBackend();
let gateway: StartedGateway;

beforeAll(async () => {
  await backend.start();
  gateway = await startGateway(backend.target());
});
afterEach(() => backend.reset());
afterAll(async () => {
  await gateway.stop();
  await backend.stop();
});

const headers = { authorization: goodKey };
const batchId = "0198c2f0-0000-7000-8000-000000000001";
const order = {
  content: { kind: { case: "text" as const, value: { body: "hi" } } },
  recipients: [{ phone: "+14155550100" }],
};

const transports: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  ["Connect with JSON", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false })],
  [
    "Connect with protobuf",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  ],
  ["gRPC-Web with protobuf", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
  ["gRPC-Web with JSON", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false })],
];

describe.each(transports)("%s", (_name, transportTo) => {
  const dispatch = () => createClient(DispatchService, transportTo(gateway.url));
  const status = () => createClient(StatusService, transportTo(gateway.url));

  test("a call is passed on with its key and request id, and its answer comes back", async () => {
    let requestId = "";
    backend.handlers.bulkSend = async (request, context) => {
      requestId = context.requestId;
      return { batchId, messageIds: request.recipients.map(({ phone }) => phone), acceptedCount: 1 };
    };
    let echoed: string | null = "";
    const answer = await dispatch().bulkSend(order, {
      headers: { ...headers, "x-request-id": "my-request-1" },
      onHeader: (header) => (echoed = header.get("x-request-id")),
    });
    expect(answer).toMatchObject({ batchId, messageIds: ["+14155550100"] });
    expect([requestId, echoed]).toEqual(["my-request-1", "my-request-1"]);
  });

  test("a refusal comes through with its code, violations and request id", async () => {
    backend.handlers.bulkSend = async () => {
      throw invalid([{ field: "recipients[0].phone", index: 0, reason: "too short" }]);
    };
    const error = await failure(
      dispatch().bulkSend(order, { headers: { ...headers, "x-request-id": "my-request-2" } }),
    );
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toBe("recipients[0].phone: too short");
    expect(detailOf(error)).toMatchObject({
      kind: ErrorKind.INVALID,
      requestId: "my-request-2",
      violations: [{ field: "recipients[0].phone", index: 0, reason: "too short" }],
    });
  });

  test("a refusal for now says how long to wait", async () => {
    backend.handlers.getBatch = async () => {
      throw new HubError("limited", "too many calls", { retryAfterMs: 1_500 });
    };
    const error = await failure(status().getBatch({ batchId }, { headers }));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(detailOf(error)).toMatchObject({ kind: ErrorKind.LIMITED, retryAfter: { seconds: 1n, nanos: 500_000_000 } });
    expect(error.metadata.get("retry-after")).toBe("2");
  });

  test("what went wrong inside is not told, only the request id", async () => {
    backend.handlers.getBatch = async () => {
      throw new Error("the password is 12345");
    };
    const error = await failure(status().getBatch({ batchId }, { headers }));
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).not.toContain("password");
    expect(error.rawMessage).toContain(detailOf(error)?.requestId);
  });

  test("without a key nothing is passed on", async () => {
    let called = false;
    backend.handlers.bulkSend = async () => {
      called = true;
      return {};
    };
    for (const authorization of [undefined, "", "good-key", "Basic Zm9v", "Bearer sch\u00fcssel"]) {
      const error = await failure(
        dispatch().bulkSend(order, authorization === undefined ? {} : { headers: { authorization } }),
      );
      expect(error.code).toBe(Code.Unauthenticated);
      expect(detailOf(error)?.kind).toBe(ErrorKind.UNAUTHENTICATED);
    }
    expect(called).toBe(false);
  });

  test("a wrong key is refused by the service behind", async () => {
    const error = await failure(status().getBatch({ batchId }, { headers: { authorization: "Bearer bad-key" } }));
    expect(error.code).toBe(Code.Unauthenticated);
    expect(error.rawMessage).toBe("the API key is not valid");
  });

  test("a stream passes message by message, and canceling it cancels the call behind", async () => {
    const canceled = Promise.withResolvers<void>();
    backend.handlers.watchBatch = async function* (_request, context) {
      context.signal.addEventListener("abort", () => canceled.resolve());
      for (let total = 1; total <= 2; total++) yield { batch: { id: batchId, total } };
      await canceled.promise;
    };
    const seen: (number | undefined)[] = [];
    const leave = new AbortController();
    const error = await failure(
      (async () => {
        for await (const { batch } of status().watchBatch({ batchId }, { headers, signal: leave.signal })) {
          seen.push(batch?.total);
          if (seen.length === 2) leave.abort();
        }
      })(),
    );
    expect(error.code).toBe(Code.Canceled);
    await canceled.promise;
    expect(seen).toEqual([1, 2]);
  });

  test("a stream that fails in the middle keeps what came before", async () => {
    backend.handlers.watchBatch = async function* () {
      yield { batch: { id: batchId } };
      throw new HubError("not_found", "batch not found");
    };
    const stream = status().watchBatch({ batchId }, { headers })[Symbol.asyncIterator]();
    expect((await stream.next()).value?.batch?.id).toBe(batchId);
    const error = await failure(stream.next());
    expect([error.code, detailOf(error)?.kind]).toEqual([Code.NotFound, ErrorKind.NOT_FOUND]);
  });

  test("a stream of requests is sent to gRPC, however long it is", async () => {
    const chunk = { recipients: Array.from({ length: 10_000 }, () => ({ phone: "+14155550100" })) };
    async function* parts() {
      for (let i = 0; i < 20; i++) yield { part: { case: "recipients" as const, value: chunk } };
    }
    const error = await failure(dispatch().bulkSendStream(parts(), { headers }));
    expect([error.code, detailOf(error)?.kind]).toEqual([Code.Unimplemented, ErrorKind.INVALID]);
    expect(error.rawMessage).toContain("call the service itself over gRPC");
  });

  test("the caller's deadline reaches the service behind", async () => {
    const ended = Promise.withResolvers<Date | undefined>();
    backend.handlers.getBatch = (_request, context) =>
      new Promise(() => context.signal.addEventListener("abort", () => ended.resolve(context.deadline)));
    const startedAt = Date.now();
    const error = await failure(status().getBatch({ batchId }, { headers, timeoutMs: 300 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    const deadline = await ended.promise;
    expect(deadline?.getTime()).toBeLessThan(startedAt + 2_000);
  });

  test("a deadline further off than timers can wait is no deadline at once", async () => {
    backend.handlers.getBatch = async () => ({ batch: { id: batchId } });
    for (const timeout of [{ "connect-timeout-ms": "9999999999" }, { "grpc-timeout": "99999999H" }]) {
      const answer = await status().getBatch({ batchId }, { headers: { ...headers, ...timeout } });
      expect(answer.batch?.id).toBe(batchId);
    }
    const seen = Promise.withResolvers<Date | undefined>();
    backend.handlers.watchBatch = async function* (_request, context) {
      seen.resolve(context.deadline);
      yield { batch: { id: batchId } };
    };
    const days = 86_400_000;
    const far = { ...headers, "connect-timeout-ms": "9999999999", "grpc-timeout": "99999999H" };
    for await (const _ of status().watchBatch({ batchId }, { headers: far })) break;
    expect((await seen.promise)?.getTime()).toBeGreaterThan(Date.now() + 23 * days);
  });

  test("a request over 16 MiB is refused with a clear word", async () => {
    const error = await failure(
      dispatch().bulkSend({ ...order, idempotencyKey: "k".repeat(17 * 1024 * 1024) }, { headers }),
    );
    expect([error.code, error.rawMessage]).toEqual([
      Code.InvalidArgument,
      "the request is larger than 16 MiB; send less at a time",
    ]);
    expect(detailOf(error)?.kind).toBe(ErrorKind.INVALID);
  });
});

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call should have failed");
}

function detailOf(error: ConnectError) {
  return error.findDetails(ErrorDetailSchema)[0];
}
