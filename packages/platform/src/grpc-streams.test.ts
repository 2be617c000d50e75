import { connect } from "node:http2";
import { create, createFileRegistry, type DescService, type MessageShape } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { afterEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { StatusService } from "@wahub/proto";
import { createGrpcClient } from "./grpc-client.ts";
import { bytesHandlers } from "./grpc-handlers.ts";
import { startGrpc, type TestServer, thrown } from "./testing.ts";

const batchId = "01890f3e-7b5c-7cc0-98c4-dc0c0c07398f";
const good = { authorization: "Bearer good" };

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

describe("a server stream", () => {
  test("brings every message in order", async () => {
    const { target } = await serve({
      status: {
        async *watchBatch() {
          for (let total = 0; total < 1_000; total += 1) yield { batch: { total } };
        },
      },
    });
    const totals: (number | undefined)[] = [];
    for await (const { batch } of statusClient(target).watchBatch({ batchId }, good)) totals.push(batch?.total);
    expect(totals).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  test("that fails brings what came before, and then the error", async () => {
    const { target } = await serve({
      status: {
        async *watchBatch() {
          yield { batch: { total: 1 } };
          throw new HubError("not_found", "batch not found");
        },
      },
    });
    const totals: unknown[] = [];
    const error = await thrown(
      (async () => {
        for await (const { batch } of statusClient(target).watchBatch({ batchId }, good)) totals.push(batch?.total);
      })(),
    );
    expect(totals).toEqual([1]);
    expect(error).toMatchObject({ kind: "not_found", message: "batch not found" });
  });

  test("is authenticated and validated before its handler runs", async () => {
    const { target } = await serve({});
    const drain = async (request: { batchId: string }, options = {}): Promise<void> => {
      for await (const _ of statusClient(target).watchBatch(request, options)) expect("a message").toBe("none");
    };
    expect(await thrown(drain({ batchId }))).toMatchObject({ kind: "unauthenticated" });
    expect(await thrown(drain({ batchId: "x" }, good))).toMatchObject({ kind: "invalid" });
  });

  test("is canceled when the client leaves the loop, and the handler's own cleanup runs", async () => {
    const cleaned = Promise.withResolvers<boolean>();
    const { target, lines } = await serve({
      status: {
        async *watchBatch(_, { signal }) {
          try {
            for (let total = 0; ; total += 1) {
              yield { batch: { total } };
              await new Promise((resolve) => setImmediate(resolve));
            }
          } finally {
            cleaned.resolve(signal.aborted);
          }
        },
      },
    });
    for await (const { batch } of statusClient(target).watchBatch({ batchId }, good)) if (batch?.total === 3) break;
    expect(await cleaned.promise).toBe(true);
    expect(lines).toContainEqual(expect.objectContaining({ level: "debug", event: "grpc_call", code: "CANCELLED" }));
  });

  test("can be canceled from outside while it waits", async () => {
    const { target } = await serve({
      status: {
        async *watchBatch(_, { signal }) {
          yield { batch: { total: 1 } };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    const abort = new AbortController();
    const error = await thrown(
      (async () => {
        for await (const _ of statusClient(target).watchBatch({ batchId }, { ...good, signal: abort.signal })) {
          abort.abort();
        }
      })(),
    );
    expect(error).toMatchObject({ kind: "unavailable", message: "the call was canceled" });
  });

  test("has no deadline unless it is given one", async () => {
    const deadlines: (Date | undefined)[] = [];
    const { target } = await serve({
      status: {
        async *watchBatch(_, { deadline, signal }) {
          deadlines.push(deadline);
          if (deadline === undefined) return yield {};
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    for await (const _ of statusClient(target).watchBatch({ batchId }, good));
    expect(deadlines).toEqual([undefined]);
    const error = await thrown(
      (async () => {
        for await (const _ of statusClient(target).watchBatch({ batchId }, { ...good, deadlineMs: 30 }));
      })(),
    );
    expect(error).toMatchObject({ message: "the deadline passed before an answer came" });
  });

  test("goes no faster than the client reads", async () => {
    let made = 0;
    const id = "x".repeat(100_000);
    const { target, lines } = await serve({
      status: {
        async *watchBatch() {
          for (; made < 200; made += 1) yield { batch: { id } };
        },
      },
    });
    let read = 0;
    for await (const _ of statusClient(target).watchBatch({ batchId }, good)) {
      read += 1;
      if (read === 1) {
        // Time for a server that does not wait to run ahead.
        for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        expect(made).toBeLessThan(150);
      }
    }
    expect(read).toBe(200);
    expect(lines.filter((line) => line["level"] === "warn")).toEqual([]);
  });
});

// The public API has no client stream yet, so this service is made up here: Sum.Add(stream Number) returns (Number).
const sumService = ((): DescService => {
  const number = {
    name: "Number",
    field: [
      {
        name: "value",
        number: 1,
        type: FieldDescriptorProto_Type.INT32,
        label: FieldDescriptorProto_Label.OPTIONAL,
        jsonName: "value",
      },
    ],
  };
  const method = { inputType: ".test.Number", outputType: ".test.Number" };
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    messageType: [number],
    service: [
      { name: "Sum", method: [{ ...method, name: "Add", clientStreaming: true }] },
      { name: "Talk", method: [{ ...method, name: "Chat", clientStreaming: true, serverStreaming: true }] },
    ],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  const service = registry.getService("test.Sum");
  if (service === undefined) throw new Error("no such service");
  return service;
})();

type Numbers = AsyncIterable<MessageShape<DescService["methods"][number]["input"]> & { value?: number }>;

/** Our types know generated services only; this one is made at run time. */
interface SumClient {
  add(requests: AsyncIterable<{ value: number }>, options?: object): Promise<{ value: number }>;
  close(): void;
}

async function sum(handler: (numbers: Numbers) => Promise<unknown>): Promise<{ client: SumClient } & TestServer> {
  const started = await serve({ more: [{ service: sumService, implementation: { add: handler } as never }] });
  const client = createGrpcClient(sumService, started.target) as unknown as SumClient;
  closing.push(() => client.close());
  return { client, ...started };
}

async function addAll(numbers: Numbers): Promise<{ value: number }> {
  let value = 0;
  for await (const number of numbers) value += number.value ?? 0;
  return { value };
}

async function* oneAndThenNothing(value: number): AsyncGenerator<{ value: number }> {
  yield { value };
  await new Promise(() => {});
}

async function* upTo(last: number): AsyncGenerator<{ value: number }> {
  for (let value = 1; value <= last; value += 1) yield { value };
}

describe("a client stream", () => {
  test("is read to its end and answered", async () => {
    const { client } = await sum(addAll);
    expect((await client.add(upTo(1_000), good)).value).toBe(500_500);
  });

  test("may be answered before it ends, and the rest is not asked for", async () => {
    const { client } = await sum(async (numbers) => {
      for await (const number of numbers) return { value: number.value ?? 0 };
      return {};
    });
    expect((await client.add(oneAndThenNothing(7), good)).value).toBe(7);
  });

  test("that breaks off reaches the handler as an error, and the caller as what broke it", async () => {
    const entered = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<unknown>();
    const { client } = await sum(async (numbers) => {
      entered.resolve();
      addAll(numbers).catch(failed.resolve);
      throw await failed.promise;
    });
    async function* broken(): AsyncGenerator<{ value: number }> {
      yield { value: 1 };
      await entered.promise;
      throw new Error("the file ends here");
    }
    await expect(client.add(broken(), good)).rejects.toThrow("the file ends here");
    expect(await failed.promise).toMatchObject({ message: "the client went away" });
  });

  test("whose connection is lost never looks complete", async () => {
    const entered = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<unknown>();
    const { target } = await sum(async (numbers) => {
      entered.resolve();
      addAll(numbers).then(failed.resolve, failed.resolve);
      throw await failed.promise;
    });
    const session = connect(`http://${target}`);
    const headers = { ":method": "POST", ":path": "/test.Sum/Add", "content-type": "application/grpc", ...good };
    const stream = session.request(headers);
    stream.on("error", () => undefined);
    stream.write(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
    await entered.promise;
    session.destroy();
    expect(await failed.promise).toMatchObject({ message: "the client went away" });
  });

  test("is refused without a key before it is read", async () => {
    const { client } = await sum(addAll);
    expect(await thrown(client.add(upTo(3)))).toMatchObject({ kind: "unauthenticated" });
  });
});

describe("a bidirectional stream", () => {
  test("is refused when the server is built", () => {
    const talk = sumService.file.services.find((service) => service.name === "Talk");
    if (talk === undefined) throw new Error("no such service");
    const desk = {} as Parameters<typeof bytesHandlers>[2];
    expect(() => bytesHandlers(talk, { chat: () => undefined } as never, desk)).toThrow(
      "test.Talk.Chat: bidirectional streams are not supported",
    );
  });
});
