import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { startKeptRunning } from "./kept-running.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

let folder: string;
let watchdog: Watchdog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wahub-kept-test-"));
  watchdog = startWatchdog();
  watchdog.removeAtEnd(folder);
});

afterEach(async () => {
  await watchdog.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a service that is killed comes back on its port, one that is stopped does not", async () => {
  const entry = join(folder, "main.mjs");
  writeFileSync(
    entry,
    `process.on("disconnect", () => process.exit(0));
     process.on("SIGTERM", () => { console.log("stopping"); process.exit(0); });
     process.send({ type: "started", ports: { http: Number(process.env.HTTP_PORT) } });`,
  );
  const ends: string[] = [];
  const service = await startKeptRunning(
    {
      name: "example",
      entry,
      env: (port) => ({ HTTP_PORT: `${port}` }),
      logFile: join(folder, "example.log"),
      watchdog,
      onUnexpectedEnd: (reason) => ends.push(reason),
    },
    10,
  );
  const { pid, ports } = service;
  service.signal("SIGKILL");
  while (service.pid === pid || !service.running) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(service.ports).toEqual(ports);
  expect(ends).toEqual([expect.stringContaining("ended by SIGKILL")]);
  await service.stop();
  expect(service.running).toBe(false);
  expect(readFileSync(join(folder, "example.log"), "utf8").trim()).toBe("stopping");
  expect(ends).toHaveLength(1);
});
