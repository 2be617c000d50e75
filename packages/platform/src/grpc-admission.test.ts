import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { type BulkSendStreamRequestSchema, DispatchService } from "@wahub/proto";
import { createGrpcClient } from "./grpc-client.ts";
import { type Caller, startGrpc, thrown } from "./testing.ts";
import type { Admit } from "./grpc-admission.ts";
import { maxValues } from "./value-count.ts";

type Part = MessageInitShape<typeof BulkSendStreamRequestSchema>;
const good = { authorization: "Bearer good" };
const content = { kind: { case: "text" as const, value: { body: "Hello" } } };
const order = { content, recipients: [{ phone: "+12125550123" }] };
const dense = { content, recipients: [{ phone: "+1", metadata: { a: Array<null>(maxValues).fill(null) } }] };
const header: Part = { part: { case: "header", value: { content } } };
const chunk = (recipients: { phone: string }[]): Part => ({ part: { case: "recipients", value: { recipients } } });
async function* parts(...all: Part[]): AsyncGenerator<Part> {
  yield* all;
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function serve(...[methods]: Parameters<typeof startGrpc>) {
  const { server, target } = await startGrpc(methods);
  const client = createGrpcClient(DispatchService, target);
  closing.push(
    () => server.stop(),
    () => client.close(),
  );
  return client;
}

/** Remembers what came and what is inside. */
function watched() {
  const seen: { method: string; caller: Caller; bytes: number; values: number }[] = [];
  let inside = 0;
  const admit: Admit<Caller> = async ({ method, ...rest }) => {
    seen.push({ method: method.name, ...rest });
    inside += 1;
    return () => {
      inside -= 1;
    };
  };
  return { admit, seen, inside: () => inside };
}

describe("a request with more values than there may be", () => {
  const tooMany = {
    kind: "invalid",
    message: expect.stringMatching(/^the request has more than [\d,]+ values in all/),
  };

  test("is refused before it is read", async () => {
    let handled = 0;
    const bulkSend = async () => {
      handled += 1;
      return {};
    };
    const client = await serve({ dispatch: { bulkSend } });
    expect(await thrown(client.bulkSend(dense, good))).toMatchObject(tooMany);
    expect(handled).toBe(0);
  });

  test("is refused as a message of a stream, too", async () => {
    let read = 0;
    const client = await serve({
      dispatch: {
        async bulkSendStream(requests) {
          for await (const _ of requests) read += 1;
          return {};
        },
      },
    });
    const call = client.bulkSendStream(parts(header, { part: { case: "recipients", value: dense } }), good);
    expect(await thrown(call)).toMatchObject(tooMany);
    expect(read).toBe(1);
  });
});

describe("a server that admits requests one by one", () => {
  test("tells the size, and has the room until the answer is made", async () => {
    const { admit, seen, inside } = watched();
    const client = await serve({ admit, dispatch: { bulkSend: async () => ({ batchId: String(inside()) }) } });
    expect(await client.bulkSend(order, good)).toMatchObject({ batchId: "1" });
    expect(inside()).toBe(0);
    expect(seen).toEqual([{ method: "BulkSend", caller: { tenantId: "t1" }, bytes: expect.any(Number), values: 5 }]);
  });

  test("gives the room back when the handler fails, or the request is not valid", async () => {
    const { admit, inside } = watched();
    const fails = async () => {
      throw new HubError("conflict", "no");
    };
    const client = await serve({ admit, dispatch: { bulkSend: fails } });
    await thrown(client.bulkSend(order, good));
    await thrown(client.bulkSend({}, good));
    expect(inside()).toBe(0);
  });

  test("has room for one message of a stream at a time, and none when it is over", async () => {
    const { admit, seen, inside } = watched();
    const counts: number[] = [];
    const client = await serve({
      admit,
      dispatch: {
        async bulkSendStream(requests) {
          for await (const _ of requests) counts.push(inside());
          return {};
        },
      },
    });
    await client.bulkSendStream(parts(header, chunk(order.recipients), chunk(order.recipients)), good);
    expect([counts, inside()]).toEqual([[1, 1, 1], 0]);
    expect(seen.map(({ values }) => values)).toEqual([4, 3, 3]);
  });

  test("gives back the room of a stream whose handler does not read to the end", async () => {
    const { admit, inside } = watched();
    const client = await serve({
      admit,
      dispatch: {
        async bulkSendStream(requests) {
          await requests[Symbol.asyncIterator]().next();
          throw new HubError("conflict", "no");
        },
      },
    });
    await thrown(client.bulkSendStream(parts(header, chunk(order.recipients)), good));
    expect(inside()).toBe(0);
  });

  test("answers what admission says", async () => {
    const client = await serve({ admit: () => Promise.reject(new HubError("limited", "wait", { retryAfterMs: 500 })) });
    expect(await thrown(client.bulkSend(order, good))).toMatchObject({ kind: "limited", retryAfterMs: 500 });
  });
});
