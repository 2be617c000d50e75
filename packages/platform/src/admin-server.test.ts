import { afterEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { type AdminServer, createAdminServer } from "./admin-server.ts";
import { PortInUseError } from "./listen.ts";
import { createMetrics } from "./metrics.ts";
import { type Readiness, readinessChecks } from "./readiness.ts";
import { capturedLog, thrown } from "./testing.ts";

const running: AdminServer[] = [];

async function started(readiness?: Readiness, port = 0): Promise<{ admin: AdminServer; url: string }> {
  const admin = createAdminServer({
    host: "127.0.0.1",
    port,
    metrics: createMetrics({ service: "test" }),
    log: capturedLog().log,
    readinessTimeoutMs: 100,
    ...(readiness === undefined ? {} : { readiness }),
  });
  await admin.start();
  running.push(admin);
  return { admin, url: `http://127.0.0.1:${admin.port}` };
}

async function ask(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.json() };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.stop()));
});

describe("the admin server", () => {
  test("is alive and not ready while the app starts, ready when it runs, not ready from when it stops", async () => {
    const { admin, url } = await started();
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const starting = {
      status: 503,
      body: { ready: false, checks: [{ name: "process", ok: false, reason: "starting" }] },
    };
    expect(await ask(`${url}/readyz`)).toEqual(starting);
    admin.appStarted?.();
    expect(await ask(`${url}/readyz`)).toEqual({ status: 200, body: { ready: true, checks: [] } });
    admin.appStopping?.();
    expect((await ask(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test("names the checks that fail, throw or take too long", async () => {
    const { admin, url } = await started(
      readinessChecks(
        {
          postgres: () => Promise.resolve(),
          redis: () => Promise.reject(new Error("connect redis://user:hunter2@x")),
          twilio: () => false,
          slow: () => new Promise(() => {}),
        },
        { timeoutMs: 20 },
      ),
    );
    admin.appStarted?.();
    expect(await ask(`${url}/readyz`)).toEqual({
      status: 503,
      body: {
        ready: false,
        checks: [
          { name: "postgres", ok: true },
          { name: "redis", ok: false, reason: "failed" },
          { name: "twilio", ok: false },
          { name: "slow", ok: false, reason: "no answer within 20 ms" },
        ],
      },
    });
  });

  test("says while the app starts what it waits for", async () => {
    const { url } = await started(
      readinessChecks({
        postgresql: () => Promise.reject(new HubError("unavailable", "the database cannot be reached at the moment")),
        redis: () => Promise.resolve(),
      }),
    );
    expect(await ask(`${url}/readyz`)).toEqual({
      status: 503,
      body: {
        ready: false,
        checks: [
          { name: "process", ok: false, reason: "starting" },
          { name: "postgresql", ok: false, reason: "the database cannot be reached at the moment" },
          { name: "redis", ok: true },
        ],
      },
    });
  });

  test("stays ready without what it can do without, and names it", async () => {
    const { admin, url } = await started(
      readinessChecks({ postgresql: () => true, redis: () => false }, { optional: ["redis"] }),
    );
    admin.appStarted?.();
    expect(await ask(`${url}/readyz`)).toEqual({
      status: 200,
      body: {
        ready: true,
        checks: [
          { name: "postgresql", ok: true },
          { name: "redis", ok: false, optional: true },
        ],
      },
    });
  });

  test("is not ready when the checks themselves fail or hang", async () => {
    for (const readiness of [() => Promise.reject(new Error("x")), () => new Promise<never>(() => {})]) {
      const { admin, url } = await started(readiness);
      admin.appStarted?.();
      expect((await ask(`${url}/readyz`)).status).toBe(503);
    }
  });

  test("serves metrics", async () => {
    const { url } = await started();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toContain("text/plain");
    expect(await response.text()).toContain("process_cpu_seconds_total");
  });

  test("knows nothing else", async () => {
    const { url } = await started();
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/livez`, { method: "POST" })).status).toBe(405);
  });

  test("names a port that is in use", async () => {
    const { admin } = await started();
    const error = await thrown(started(undefined, admin.port));
    expect(error).toBeInstanceOf(PortInUseError);
    expect(error).toMatchObject({ code: "EADDRINUSE", port: admin.port });
  });
});
