import { connect } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { DispatchService, StatusService } from "@wahub/proto";
import { createGrpcClient } from "./grpc-client.ts";
import { startGrpc, thrown } from "./testing.ts";

const batchId = "01890f3e-7b5c-7cc0-98c4-dc0c0c07398f";
const order = {
  content: { kind: { case: "text" as const, value: { body: "hi" } } },
  recipients: [{ phone: "+12125550100" }],
};
const good = { authorization: "Bearer good" };

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function statusClient(target: string) {
  const client = createGrpcClient(StatusService, target);
  closing.push(() => client.close());
  return client;
}

function dispatchClient(target: string) {
  const client = createGrpcClient(DispatchService, target);
  closing.push(() => client.close());
  return client;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe("a graceful stop", () => {
  test("lets a call in flight finish and takes no new connection", async () => {
    const entered = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const { server, target } = await startGrpc({
      status: {
        getBatch: async () => {
          entered.resolve();
          await finish.promise;
          return { batch: { total: 5 } };
        },
      },
    });
    const { port } = server;
    const call = statusClient(target).getBatch({ batchId }, good);
    await entered.promise;
    let stopped = false;
    const stop = server.stop().then(() => (stopped = true));
    while (await accepts(port));
    expect(stopped).toBe(false);
    finish.resolve();
    expect((await call).batch?.total).toBe(5);
    await stop;
  });

  test("tells endless streams, so that they end themselves", async () => {
    const { server, target } = await startGrpc({
      status: {
        async *watchBatch(_, { stopping }) {
          yield { batch: { total: 1 } };
          await new Promise((resolve) => stopping.addEventListener("abort", resolve));
          throw new HubError("unavailable", "call again");
        },
      },
    });
    const stream = statusClient(target).watchBatch({ batchId }, good)[Symbol.asyncIterator]();
    await stream.next();
    const next = thrown(Promise.resolve(stream.next()));
    await server.stop();
    expect(await next).toMatchObject({ kind: "unavailable", message: "call again" });
  });

  test("ends at the drain deadline what does not end, with UNAVAILABLE, and tells its handler", async () => {
    const told = Promise.withResolvers<void>();
    const { server, target, lines } = await startGrpc(
      {
        dispatch: {
          bulkSend: (_, { signal }) => {
            signal.addEventListener("abort", () => told.resolve());
            return new Promise(() => {});
          },
        },
        status: {
          async *watchBatch() {
            yield { batch: { total: 1 } };
            await new Promise(() => {});
          },
        },
      },
      { drainMs: 30 },
    );
    // Not a method that its client repeats by itself.
    const call = thrown(dispatchClient(target).bulkSend(order, good));
    const stream = statusClient(target).watchBatch({ batchId }, good)[Symbol.asyncIterator]();
    await stream.next();
    const next = thrown(Promise.resolve(stream.next()));
    await server.stop();
    await told.promise;
    const refusal = { kind: "unavailable", message: "the server is stopping; call again" };
    expect(await call).toMatchObject(refusal);
    expect(await next).toMatchObject(refusal);
    expect(lines).toContainEqual(expect.objectContaining({ level: "warn", event: "grpc_drain_deadline", cut: 2 }));
  });

  test("waits for a handler whose client has gone", async () => {
    const entered = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    let done = false;
    const { server, target } = await startGrpc({
      status: {
        getBatch: async (_, { signal }) => {
          signal.addEventListener("abort", () => gone.resolve());
          entered.resolve();
          await finish.promise;
          done = true;
          return {};
        },
      },
    });
    const abort = new AbortController();
    const call = thrown(statusClient(target).getBatch({ batchId }, { ...good, signal: abort.signal }));
    await entered.promise;
    abort.abort();
    await call;
    await gone.promise;
    const stop = server.stop().then(() => done);
    finish.resolve();
    expect(await stop).toBe(true);
  });

  test("with idle clients takes no time", async () => {
    const { server, target } = await startGrpc({});
    await statusClient(target).getBatch({ batchId }, good);
    const begun = performance.now();
    await server.stop();
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
