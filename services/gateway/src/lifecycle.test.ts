import { createServer } from "node:net";
import { createClient, Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test } from "@jest/globals";
import { StatusService } from "@wahub/proto";
import { type StartedGateway, startGateway } from "./testing/started-gateway.ts";
import { createStubBackend, goodKey } from "./testing/stub-backend.ts";

const headers = { authorization: goodKey };
const json = { ...headers, "content-type": "application/json" };
const batchId = "0198c2f0-0000-7000-8000-000000000001";
const order = JSON.stringify({ recipients: ["+14155550100"], message: "hi" });

const toStop: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (let last = toStop.pop(); last !== undefined; last = toStop.pop()) await last.stop();
});

describe("a gateway whose services are away", () => {
  test("says so on every door, is not ready, and recovers by itself", async () => {
    const target = `127.0.0.1:${await freePort()}`;
    const gateway = await running(target);

    const rest = await fetch(`${gateway.url}/bulk-send`, { method: "POST", headers: json, body: order });
    expect([rest.status, await rest.json()]).toMatchObject([503, { error: { kind: "unavailable" } }]);
    const error = await failure(statusOf(gateway).getBatch({ batchId }, { headers, timeoutMs: 8_000 }));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).not.toContain("127.0.0.1");
    expect(await readiness(gateway)).toMatchObject({
      ready: false,
      checks: [
        { name: "dispatch", ok: false },
        { name: "status_query", ok: false },
      ],
    });

    const backend = createStubBackend(Number(target.split(":")[1]));
    await backend.start();
    toStop.push(backend);
    backend.handlers.getBatch = async () => ({ batch: { id: batchId } });
    await until(async () => (await readiness(gateway)).ready);
    const answer = await statusOf(gateway).getBatch({ batchId }, { headers });
    expect(answer.batch?.id).toBe(batchId);
  }, 20_000);
});

describe("a gateway with one of its services away", () => {
  test("stays ready for the calls of the other, and names the one", async () => {
    const backend = createStubBackend();
    await backend.start();
    toStop.push(backend);
    const gateway = await running(backend.target(), { STATUS_QUERY_URL: `127.0.0.1:${await freePort()}` });
    backend.handlers.bulkSend = async () => ({ batchId });
    expect(await readiness(gateway)).toMatchObject({
      ready: true,
      checks: [
        { name: "dispatch", ok: true },
        { name: "status_query", ok: false, optional: true },
      ],
    });
    expect((await fetch(`${gateway.url}/bulk-send`, { method: "POST", headers: json, body: order })).status).toBe(200);
  });
});

describe("a gateway that stops", () => {
  test("finishes calls in flight and tells streams to come back", async () => {
    const { backend, gateway } = await both();
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    backend.handlers.bulkSend = async () => {
      started.resolve();
      await finish.promise;
      return { batchId };
    };
    backend.handlers.watchBatch = async function* (_request, context) {
      yield { batch: { id: batchId } };
      await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    };
    const call = fetch(`${gateway.url}/bulk-send`, { method: "POST", headers: json, body: order });
    const watch = statusOf(gateway).watchBatch({ batchId }, { headers })[Symbol.asyncIterator]();
    await watch.next();
    await started.promise;

    const stopped = gateway.stop();
    const error = await failure(watch.next());
    expect([error.code, error.rawMessage]).toEqual([Code.Unavailable, "the gateway is stopping; call again"]);
    await expect(fetch(gateway.url)).rejects.toThrow();
    finish.resolve();
    const answer = await call;
    expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
    await stopped;
  });

  test("cuts what is still in flight at the deadline, and cancels it behind", async () => {
    const { backend, gateway } = await both({ SHUTDOWN_TIMEOUT_MS: 500 });
    const started = Promise.withResolvers<void>();
    const canceled = Promise.withResolvers<void>();
    backend.handlers.bulkSend = (_request, context) =>
      new Promise(() => {
        context.signal.addEventListener("abort", () => canceled.resolve());
        started.resolve();
      });
    const call = fetch(`${gateway.url}/bulk-send`, { method: "POST", headers: json, body: order });
    const cut = expect(call).rejects.toThrow();
    await started.promise;
    await gateway.stop();
    await cut;
    await canceled.promise;
  });
});

describe("a call that takes too long", () => {
  test("ends at the gateway's own limit where the caller has none", async () => {
    const { backend, gateway } = await both({ CALL_TIMEOUT_MS: 200 });
    backend.handlers.bulkSend = () => new Promise(() => undefined);
    backend.handlers.getBatch = () => new Promise(() => undefined);
    const rest = await fetch(`${gateway.url}/bulk-send`, { method: "POST", headers: json, body: order });
    expect([rest.status, await rest.json()]).toMatchObject([
      503,
      { error: { kind: "unavailable", message: "the deadline passed before an answer came" } },
    ]);
    expect((await failure(statusOf(gateway).getBatch({ batchId }, { headers }))).code).toBe(Code.Unavailable);
  });
});

describe("what operators see", () => {
  test("each request is counted by door, route and code, and logged with its id", async () => {
    const { backend, gateway } = await both();
    backend.handlers.bulkSend = async () => ({ batchId });
    const withId = { ...json, "x-request-id": "my-request-1" };
    await fetch(`${gateway.url}/bulk-send`, { method: "POST", headers: withId, body: order });
    await failure(statusOf(gateway).getBatch({ batchId }));
    await fetch(`${gateway.url}/wp-login.php`);

    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const counts = metrics.matchAll(/request_duration_seconds_count\{([^}]*)\} (\d+)/g);
    expect(Array.from(counts, ([, labels, count]) => `${labels} ${count}`).toSorted()).toEqual([
      'service="gateway",door="connect",route="whatsapphub.v1.StatusService/GetBatch",code="UNAUTHENTICATED" 1',
      'service="gateway",door="none",route="unknown",code="NOT_FOUND" 1',
      'service="gateway",door="rest",route="/bulk-send",code="OK" 1',
    ]);
    expect(gateway.log()).toMatch(/"event":"request_ended".*"httpStatus":200.*"requestId":"my-request-1"/);
    expect(gateway.log()).not.toMatch(/good-key|4155550100|wp-login/);
    expect(await readiness(gateway)).toMatchObject({ ready: true });
  });
});

async function running(target: string, changes = {}): Promise<StartedGateway> {
  const gateway = await startGateway(target, changes);
  toStop.push(gateway);
  return gateway;
}

async function both(changes = {}) {
  const backend = createStubBackend();
  await backend.start();
  toStop.push(backend);
  return { backend, gateway: await running(backend.target(), changes) };
}

function statusOf(gateway: StartedGateway) {
  return createClient(StatusService, createConnectTransport({ baseUrl: gateway.url, httpVersion: "1.1" }));
}

async function readiness(gateway: StartedGateway): Promise<{ ready: boolean }> {
  return (await (await fetch(`${gateway.adminUrl}/readyz`)).json()) as { ready: boolean };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call should have failed");
}
