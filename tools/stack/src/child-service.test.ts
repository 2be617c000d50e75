import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { startService } from "./child-service.ts";
import type { ServiceSpec } from "./service-launch.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

let folder: string;
let watchdog: Watchdog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wahub-service-test-"));
  watchdog = startWatchdog();
  watchdog.removeAtEnd(folder);
});

afterEach(async () => {
  await watchdog.close();
  rmSync(folder, { recursive: true, force: true });
});

const STARTED = `
  const ports = { http: Number(process.env.HTTP_PORT), admin: 1 };
  process.on("SIGTERM", () => { console.log("stopping"); process.exit(0); });
  process.on("disconnect", () => process.exit(0));
  process.send({ type: "started", ports });`;

describe("a service process", () => {
  test("reports its ports, sees only its configuration and the allowed variables, and stops when asked", async () => {
    process.env["DATABASE_URL"] = "postgresql://somebody-else";
    process.env["LC_TEST"] = "C";
    const service = await startService(spec(`console.log(JSON.stringify(process.env)); ${STARTED}`));
    delete process.env["DATABASE_URL"];
    delete process.env["LC_TEST"];
    expect(service.ports).toEqual({ http: expect.any(Number), admin: 1 });
    expect(service.running).toBe(true);
    await service.stop();
    expect(service.running).toBe(false);
    const [environment = "", last] = logLines();
    const names = Object.keys(JSON.parse(environment) as object);
    expect(names).toEqual(expect.arrayContaining(["PATH", "LC_TEST", "HOST", "HTTP_PORT", "ADMIN_PORT"]));
    expect(names).not.toContain("DATABASE_URL");
    expect(last).toBe("stopping");
  });

  test("is started again with another port when it finds the first one taken", async () => {
    const tried: number[] = [];
    const service = await startService({
      ...spec(`if (process.env.TRIES < 3) process.exit(69); ${STARTED}`),
      env: (port) => {
        tried.push(port);
        return { HTTP_PORT: `${port}`, TRIES: `${tried.length}` };
      },
    });
    expect(tried).toHaveLength(3);
    expect(service.ports["http"]).toBe(tried[2]);
    await service.stop();
  });

  test("that cannot start is reported with its last lines", async () => {
    const starting = startService(spec(`console.error("DATABASE_URL is missing"); process.exit(78);`));
    await expect(starting).rejects.toThrow(/example did not start: exit code 78[^]*DATABASE_URL is missing/);
  });

  test("comes back on the same port after a kill, with new configuration on top", async () => {
    const ends: string[] = [];
    const service = await startService({
      ...spec(`console.log(process.env.MODE); ${STARTED}`),
      onUnexpectedEnd: (reason) => ends.push(reason),
    });
    const { pid, ports } = service;
    await service.kill();
    expect(service.running).toBe(false);
    await service.restart({ MODE: "second" });
    expect(service.pid).not.toBe(pid);
    expect(service.ports).toEqual(ports);
    await service.stop();
    expect(logLines()).toEqual(["undefined", "second", "stopping"]);
    expect(ends).toEqual([]);
  });

  test("that ends although nobody asked it to is reported", async () => {
    const ended = Promise.withResolvers<string>();
    const service = await startService({ ...spec(STARTED), onUnexpectedEnd: ended.resolve });
    process.kill(service.pid, "SIGKILL");
    await expect(ended.promise).resolves.toMatch(/^example: ended by SIGKILL; its log is /);
  });

  test("hands over its lines as well where that is wanted", async () => {
    const line = Promise.withResolvers<string>();
    const service = await startService({ ...spec(`console.log("hello"); ${STARTED}`), onLine: line.resolve });
    await expect(line.promise).resolves.toBe("hello");
    await service.stop();
  });
});

function spec(script: string): ServiceSpec {
  const entry = join(folder, "main.mjs");
  writeFileSync(entry, script);
  return { name: "example", entry, env: onPort, logFile: join(folder, "example.log"), watchdog };
}

const onPort = (port: number) => ({ HTTP_PORT: `${port}` });

function logLines(): string[] {
  return readFileSync(join(folder, "example.log"), "utf8").trim().split("\n");
}
