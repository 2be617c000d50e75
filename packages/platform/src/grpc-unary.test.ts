import type { MessageInitShape } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { BulkSendRequestSchema, DispatchService, GetBatchRequestSchema, StatusService } from "@wahub/proto";
import type { CallContext } from "./call-context.ts";
import { createGrpcClient } from "./grpc-client.ts";
import { encode } from "./grpc-method.ts";
import { createGrpcServer } from "./grpc-server.ts";
import { PortInUseError } from "./listen.ts";
import { authenticate, type Caller, capturedLog, idleDispatch, startGrpc, type TestServer, thrown } from "./testing.ts";
import { createMetrics } from "./metrics.ts";

const messageId = "01890f3e-7b5c-7cc0-98c4-dc0c0c07398f";
const good = { authorization: "Bearer good" };
const validBatch = batchOf("hello");

function batchOf(body: string): MessageInitShape<typeof BulkSendRequestSchema> {
  return { content: { kind: { case: "text", value: { body } } }, recipients: [{ phone: "+14155550123" }] };
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function serve(...args: Parameters<typeof startGrpc>): Promise<TestServer> {
  const started = await startGrpc(...args);
  closing.push(() => started.server.stop());
  return started;
}

function statusClient(target: string) {
  const client = createGrpcClient(StatusService, target);
  closing.push(() => client.close());
  return client;
}

function dispatchClient(target: string, options: Parameters<typeof createGrpcClient>[2] = {}) {
  const client = createGrpcClient(DispatchService, target, options);
  closing.push(() => client.close());
  return client;
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

/** A call with bytes of one's own, which our client would not send. */
async function rawCall(target: string, path: string, bytes: Buffer, metadata: Metadata) {
  const client = new Client(target, credentials.createInsecure());
  closing.push(() => client.close());
  return new Promise<{ error: ServiceError | null; headers: Metadata }>((resolve) => {
    let headers = new Metadata();
    client
      .makeUnaryRequest(path, same, same, bytes, metadata, (error) => resolve({ error, headers }))
      .on("metadata", (received: Metadata) => {
        headers = received;
      });
  });
}

function metadataOf(entries: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}

function rejectOn(signal: AbortSignal, reject: (reason: unknown) => void): void {
  signal.addEventListener("abort", () => reject(signal.reason));
}

describe("a unary call", () => {
  test("reaches the handler with caller, deadline and request id, and the answer comes back", async () => {
    const contexts: CallContext<Caller>[] = [];
    const { target } = await serve({
      status: {
        getMessage: async (request, context) => {
          contexts.push(context);
          return { message: { id: request.messageId } };
        },
      },
    });
    const answer = await statusClient(target).getMessage({ messageId }, { ...good, requestId: "request-1" });
    expect(answer.message?.id).toBe(messageId);
    expect(contexts[0]).toMatchObject({ caller: { tenantId: "t1" }, requestId: "request-1" });
    expect(contexts[0]?.deadline?.getTime()).toBeGreaterThan(Date.now() + 20_000);
    expect(contexts[0]?.signal.aborted).toBe(false);
  });

  test("is refused before anything of it is read when the caller is not known", async () => {
    let calls = 0;
    const { target } = await serve({ dispatch: { bulkSend: async () => ({ batchId: String((calls += 1)) }) } });
    const error = await thrown(dispatchClient(target).bulkSend({}, { authorization: "Bearer bad" }));
    expect(error).toMatchObject({ kind: "unauthenticated", message: "send a valid key" });
    const unreadable = await rawCall(
      target,
      "/whatsapphub.v1.DispatchService/BulkSend",
      Buffer.from([255]),
      metadataOf({}),
    );
    expect(unreadable.error?.code).toBe(status.UNAUTHENTICATED);
    expect(calls).toBe(0);
  });

  test("that breaks the rules of the proto is refused with every violation", async () => {
    const { target } = await serve({});
    const error = await thrown(dispatchClient(target).bulkSend({}, good));
    expect(error).toMatchObject({
      kind: "invalid",
      violations: [
        { field: "content", reason: expect.any(String) },
        { field: "recipients", reason: expect.any(String) },
      ],
    });
  });

  test("whose bytes are no message is the caller's fault, not ours", async () => {
    const { target } = await serve({});
    const { error } = await rawCall(
      target,
      "/whatsapphub.v1.DispatchService/BulkSend",
      Buffer.from([255, 255]),
      metadataOf(good),
    );
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "the request is not a readable whatsapphub.v1.BulkSendRequest",
    });
  });

  test("brings a refusal back as the handler threw it", async () => {
    const refusal = new HubError("limited", "too fast", {
      retryAfterMs: 3_000,
      violations: [{ field: "recipients[17].phone", index: 17, reason: "not a number" }],
    });
    const { target, lines } = await serve({ dispatch: { bulkSend: () => Promise.reject(refusal) } });
    const error = await thrown(dispatchClient(target).bulkSend(validBatch, good));
    expect(error).toMatchObject({
      kind: "limited",
      message: "too fast",
      retryAfterMs: 3_000,
      violations: refusal.violations,
    });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: "warn", event: "grpc_call", code: "RESOURCE_EXHAUSTED", reason: "too fast" }),
    );
  });

  test("that fails for a reason of ours tells an id, and our log the rest", async () => {
    const { target, lines } = await serve({
      dispatch: { bulkSend: () => Promise.reject(new Error("relation does not exist")) },
    });
    const error = await thrown(dispatchClient(target).bulkSend(validBatch, { ...good, requestId: "request-2" }));
    expect(error).toMatchObject({ kind: "internal", message: "internal error; quote request id request-2" });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: "error",
        requestId: "request-2",
        method: "whatsapphub.v1.DispatchService/BulkSend",
        err: expect.objectContaining({ message: "relation does not exist" }),
      }),
    );
    expect(JSON.stringify(lines)).not.toContain("4155550123");
  });

  test("whose answer does not fit its proto is a fault of ours", async () => {
    const { target } = await serve({ dispatch: { bulkSend: async () => ({ acceptedCount: 1.5 }) } });
    const error = await thrown(dispatchClient(target).bulkSend(validBatch, good));
    expect(error).toMatchObject({ kind: "internal", message: expect.stringContaining("quote request id") });
  });

  test("gets its request id back, in the headers of an answer and in the trailers of a refusal", async () => {
    const { target } = await serve({});
    const path = "/whatsapphub.v1.DispatchService/BulkSend";
    const fine = await rawCall(
      target,
      path,
      encode(BulkSendRequestSchema, validBatch),
      metadataOf({ ...good, "x-request-id": "request-3" }),
    );
    expect(fine.error).toBeNull();
    expect(fine.headers.get("x-request-id")).toEqual(["request-3"]);
    const refused = await rawCall(target, path, Buffer.alloc(0), metadataOf({ "x-request-id": "request-4" }));
    expect(refused.error?.metadata.get("x-request-id")).toEqual(["request-4"]);
  });

  test("ends at its deadline", async () => {
    const { target } = await serve(
      { status: { getBatch: (_, { signal }) => new Promise((__, reject) => rejectOn(signal, reject)) } },
      { drainMs: 10 },
    );
    const error = await thrown(statusClient(target).getBatch({ batchId: messageId }, { ...good, deadlineMs: 50 }));
    expect(error).toMatchObject({ kind: "unavailable", message: "the deadline passed before an answer came" });
  });

  test("ends at its deadline also when the client does not, and the handler is told", async () => {
    const aborted = Promise.withResolvers<unknown>();
    const { target, lines } = await serve({
      status: {
        getBatch: (_, { signal }) => {
          rejectOn(signal, aborted.resolve);
          return new Promise((__, reject) => rejectOn(signal, reject));
        },
      },
    });
    const { error } = await rawCall(
      target,
      "/whatsapphub.v1.StatusService/GetBatch",
      encode(GetBatchRequestSchema, { batchId: messageId }),
      metadataOf({ ...good, "grpc-timeout": "50m" }),
    );
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(await aborted.promise).toMatchObject({ message: "the deadline has passed" });
    expect(lines).toContainEqual(expect.objectContaining({ event: "grpc_call", code: "DEADLINE_EXCEEDED" }));
  });

  test("can be canceled, and the handler is told", async () => {
    const entered = Promise.withResolvers<AbortSignal>();
    const { target } = await serve(
      {
        status: {
          getBatch: (_, { signal }) => {
            entered.resolve(signal);
            return new Promise(() => {});
          },
        },
      },
      { drainMs: 10 },
    );
    const abort = new AbortController();
    const call = thrown(statusClient(target).getBatch({ batchId: messageId }, { ...good, signal: abort.signal }));
    const signal = await entered.promise;
    const told = new Promise((resolve) => signal.addEventListener("abort", resolve));
    abort.abort();
    expect(await call).toMatchObject({ kind: "unavailable", message: "the call was canceled" });
    await told;
  });

  test("may carry 16 MiB, and one that is larger is refused with the limit", async () => {
    const { target } = await serve({
      dispatch: { bulkSend: async (request) => ({ batchId: String(request.idempotencyKey.length) }) },
    });
    await dispatchClient(target).bulkSend(batchOf("x".repeat(16 * 1024 * 1024 - 100)), good);
    const large = await thrown(
      dispatchClient(target, { maxMessageBytes: 20_000_000 }).bulkSend(batchOf("x".repeat(17_000_000)), good),
    );
    const words = { kind: "invalid", message: "the request is larger than 16 MiB; send less at a time" };
    expect(large).toMatchObject(words);
    expect(await thrown(dispatchClient(target).bulkSend(batchOf("x".repeat(17_000_000)), good))).toMatchObject(words);
  });

  test("with credentials that gRPC cannot carry is refused like any other bad key", async () => {
    const { target } = await serve({});
    const error = await thrown(statusClient(target).getMessage({ messageId }, { authorization: "Bearer gööd" }));
    expect(error).toMatchObject({ kind: "unauthenticated" });
  });

  test("is counted by method and code", async () => {
    const { target, metrics } = await serve({});
    await statusClient(target).getMessage({ messageId }, good);
    expect(await metrics.registry.metrics()).toContain(
      'whatsapphub_grpc_call_duration_seconds_count{service="test",method="whatsapphub.v1.StatusService/GetMessage",code="OK"} 1',
    );
  });
});

describe("the client", () => {
  test("tells that nobody is there, in words that name no address", async () => {
    const error = await thrown(statusClient("127.0.0.1:1").getMessage({ messageId }, good));
    expect(error).toMatchObject({ kind: "unavailable", message: "the service cannot be reached right now" });
  });

  test("repeats the methods it was told to when the service is unavailable, and no others", async () => {
    let calls = 0;
    const { target } = await serve({
      dispatch: {
        bulkSend: async () => {
          calls += 1;
          if (calls % 3 !== 0) throw new HubError("unavailable", "not yet");
          return { batchId: `after ${calls}` };
        },
      },
    });
    const repeating = dispatchClient(target, { retryMethods: ["BulkSend"] });
    expect((await repeating.bulkSend(validBatch, good)).batchId).toBe("after 3");
    expect(await thrown(dispatchClient(target).bulkSend(validBatch, good))).toMatchObject({ message: "not yet" });
    expect(calls).toBe(4);
  });

  test("does not repeat what took long to fail: a database that hangs is not asked five times over", async () => {
    let calls = 0;
    const { target } = await serve({
      dispatch: {
        bulkSend: async () => {
          calls += 1;
          await new Promise((resolve) => setTimeout(resolve, 1_100));
          throw new HubError("unavailable", "the database takes too long to answer");
        },
      },
    });
    const repeating = dispatchClient(target, { retryMethods: ["BulkSend"] });
    expect(await thrown(repeating.bulkSend(validBatch, good))).toMatchObject({ kind: "unavailable" });
    expect(calls).toBe(1);
  });

  test("waits with retries until a service that restarts is back", async () => {
    const first = await startGrpc({});
    const { port } = first.server;
    const client = dispatchClient(first.target, { retryMethods: ["BulkSend"] });
    await client.bulkSend(validBatch, good);
    await first.server.stop();
    const call = client.bulkSend(validBatch, good);
    const second = createGrpcServer({
      host: "127.0.0.1",
      port,
      authenticate,
      log: capturedLog().log,
      metrics: createMetrics({ service: "test" }),
      services: [
        {
          service: DispatchService,
          implementation: { ...idleDispatch, bulkSend: async () => ({ batchId: "second" }) },
        },
      ],
    });
    await second.start();
    closing.push(() => second.stop());
    expect((await call).batchId).toBe("second");
  });

  test("refuses to repeat a method that does not exist", () => {
    expect(() => createGrpcClient(DispatchService, "x", { retryMethods: ["BulkSent"] })).toThrow(
      "whatsapphub.v1.DispatchService has no method BulkSent",
    );
  });
});

describe("the server", () => {
  test("names a port that is in use", async () => {
    const { server } = await serve({});
    const second = createGrpcServer({
      host: "127.0.0.1",
      port: server.port,
      log: capturedLog().log,
      metrics: createMetrics({ service: "test" }),
      services: [{ service: DispatchService, implementation: idleDispatch }],
    });
    expect(await thrown(second.start())).toBeInstanceOf(PortInUseError);
  });
});
