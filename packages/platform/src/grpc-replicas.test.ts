import { afterEach, describe, expect, test } from "@jest/globals";
import type { HubError } from "@wahub/domain";
import { DispatchService, StatusService } from "@wahub/proto";
import { createGrpcClient, type GrpcClientOptions } from "./grpc-client.ts";
import { startGrpc, thrown } from "./testing.ts";
import { type Line, startLine } from "./testing-line.ts";

const batchId = "01890f3e-7b5c-7cc0-98c4-dc0c0c07398f";
const good = { authorization: "Bearer good" };
const order = {
  content: { kind: { case: "text" as const, value: { body: "hi" } } },
  recipients: [{ phone: "+12125550100" }],
};

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

interface Replica {
  readonly line: Line;
  /** Calls that reached it, by method. */
  readonly calls: string[];
}

/** A backend behind a line of its own; `getBatch` and `bulkSend` answer unless they are told otherwise. */
async function startReplica(onCall: () => Promise<void> = async () => {}): Promise<Replica> {
  const calls: string[] = [];
  const { server } = await startGrpc(
    {
      status: {
        getBatch: async () => {
          calls.push("getBatch");
          await onCall();
          return {};
        },
      },
      dispatch: {
        bulkSend: async () => {
          calls.push("bulkSend");
          await onCall();
          return {};
        },
      },
    },
    { drainMs: 10 },
  );
  const line = await startLine(server.port);
  closing.push(
    () => server.stop(),
    () => line.close(),
  );
  return { line, calls };
}

/** As DNS would answer with all replicas of a service. */
function clients(replicas: readonly Replica[], options: GrpcClientOptions = {}) {
  const target = `ipv4:${replicas.map(({ line }) => `127.0.0.1:${line.port}`).join(",")}`;
  const status = createGrpcClient(StatusService, target, options);
  const dispatch = createGrpcClient(DispatchService, target, options);
  closing.push(
    () => status.close(),
    () => dispatch.close(),
  );
  return { status, dispatch };
}

/** Calls until each has been reached by this method: the connections of that client stand. */
async function reachedAll(call: () => Promise<unknown>, replicas: readonly Replica[], method: string): Promise<void> {
  while (replicas.some(({ calls }) => !calls.includes(method))) await call();
}

describe("a client of several replicas", () => {
  test("calls one after the other", async () => {
    const replicas = [await startReplica(), await startReplica()];
    const { status } = clients(replicas);
    await reachedAll(() => status.getBatch({ batchId }, good), replicas, "getBatch");
    const before = replicas.map(({ calls }) => calls.length);
    for (let i = 0; i < 10; i += 1) await status.getBatch({ batchId }, good);
    expect(replicas.map(({ calls }, at) => calls.length - before[at]!)).toEqual([5, 5]);
  });

  test("repeats a safe call on another one when a replica crashes in the middle of it, and no other call", async () => {
    let stuck = 0;
    let isStuck = false;
    const bothStuck = Promise.withResolvers<void>();
    const onCall = (): Promise<void> => {
      if (!isStuck) return Promise.resolve();
      if (++stuck === 2) bothStuck.resolve();
      return new Promise(() => {});
    };
    const replicas = [await startReplica(onCall), await startReplica()] as const;
    const { status, dispatch } = clients(replicas);
    const safe = () => status.getBatch({ batchId }, good);
    const unsafe = () => dispatch.bulkSend(order, good);
    await reachedAll(safe, replicas, "getBatch");
    await reachedAll(unsafe, replicas, "bulkSend");
    isStuck = true;
    const before = replicas[1].calls.length;
    // They take turns, so one of each kind is stuck in the first replica.
    const reads = [safe(), safe()];
    const sends = [unsafe(), unsafe()].map((call) =>
      call.then(
        () => "answered",
        (error: unknown) => (error as HubError).kind,
      ),
    );
    await bothStuck.promise;
    replicas[0].line.cut();
    await Promise.all(reads);
    expect((await Promise.all(sends)).toSorted()).toEqual(["answered", "unavailable"]);
    expect(replicas[1].calls.slice(before).toSorted()).toEqual(["bulkSend", "getBatch", "getBatch"]);
    for (let i = 0; i < 10; i += 1) await Promise.all([safe(), unsafe()]);
  });

  test("notices a replica that is swallowed by the network, and uses it again when it is back", async () => {
    const replicas = [await startReplica(), await startReplica()] as const;
    const { status } = clients(replicas, { keepaliveTimeMs: 100, keepaliveTimeoutMs: 100 });
    await reachedAll(() => status.getBatch({ batchId }, good), replicas, "getBatch");
    replicas[0].line.swallow();
    await Promise.all(Array.from({ length: 4 }, () => status.getBatch({ batchId }, { ...good, deadlineMs: 5_000 })));
    const before = replicas[0].calls.length;
    replicas[0].line.mend();
    while (replicas[0].calls.length === before) await status.getBatch({ batchId }, good);
  });

  test("loses no call when a connection is retired for its age", async () => {
    const { server, target } = await startGrpc({}, { maxConnectionAgeMs: 300, drainMs: 10 });
    closing.push(() => server.stop());
    const dispatch = createGrpcClient(DispatchService, target);
    closing.push(() => dispatch.close());
    const until = performance.now() + 1_500;
    const oneByOne = async (): Promise<void> => {
      while (performance.now() < until) await dispatch.bulkSend(order, good);
    };
    await Promise.all(Array.from({ length: 20 }, oneByOne));
  });

  test("ends a stream that outlives its retired connection by more than the grace", async () => {
    const limits = { maxConnectionAgeMs: 100, maxConnectionAgeGraceMs: 100, drainMs: 10 };
    const { server, target } = await startGrpc(
      {
        status: {
          async *watchBatch(_request, { signal }) {
            yield {};
            await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          },
        },
      },
      limits,
    );
    closing.push(() => server.stop());
    const status = createGrpcClient(StatusService, target);
    closing.push(() => status.close());
    const watching = async (): Promise<void> => {
      for await (const _ of status.watchBatch({ batchId }, good));
    };
    expect(await thrown(watching())).toMatchObject({ kind: "unavailable" });
  });

  test("fails a call that is not safe to repeat at once while all are away, a safe one within seconds", async () => {
    const replicas = [await startReplica()];
    const { status, dispatch } = clients(replicas);
    await reachedAll(() => status.getBatch({ batchId }, good), replicas, "getBatch");
    replicas[0]!.line.cut();
    const begun = performance.now();
    expect(await thrown(dispatch.bulkSend(order, good))).toMatchObject({ kind: "unavailable" });
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(await thrown(status.getBatch({ batchId }, good))).toMatchObject({ kind: "unavailable" });
    expect(performance.now() - begun).toBeLessThan(8_000);
    replicas[0]!.line.mend();
    const answered = async (): Promise<boolean> =>
      dispatch.bulkSend(order, good).then(
        () => true,
        () => false,
      );
    while (!(await answered())) await new Promise((resolve) => setTimeout(resolve, 50));
  });
});
