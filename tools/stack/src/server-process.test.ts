import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { startServer, type ServerSpec } from "./server-process.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

let folder: string;
let watchdog: Watchdog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wahub-server-test-"));
  watchdog = startWatchdog();
  watchdog.removeAtEnd(folder);
});

afterEach(() => watchdog.close());

describe("startServer", () => {
  test("resolves when the server says it is ready, and stops it with its signal", async () => {
    const server = await startServer(
      shell(() => "echo listening; exec sleep 1000"),
      watchdog,
    );
    await server.stop();
    await expect(server.ended).resolves.toEqual({ code: null, signal: "SIGTERM" });
  });

  test("tries other ports as long as the server finds them in use", async () => {
    const ports: number[] = [];
    const taken = `echo "bind: Address already in use" >&2; exit 1`;
    const script = (port: number) => (ports.push(port) < 3 ? taken : "echo listening; exec sleep 1000");
    const server = await startServer(shell(script), watchdog);
    expect(ports).toHaveLength(3);
    expect(server.port).toBe(ports[2]);
    await server.stop();
  });

  test("shows the last lines of a server that ends instead", async () => {
    const starting = startServer(
      shell(() => "echo data folder is damaged; exit 3"),
      watchdog,
    );
    await expect(starting).rejects.toThrow("Example did not start: exit code 3\ndata folder is damaged");
  });

  test("fails at once when the program is not there", async () => {
    const starting = startServer({ ...shell(() => ""), command: join(folder, "nothing") }, watchdog);
    await expect(starting).rejects.toThrow("Example did not start: could not be started");
  });
});

function shell(script: (port: number) => string): ServerSpec {
  return {
    name: "Example",
    command: "/bin/sh",
    args: (port) => ["-c", script(port)],
    input: () => "data folder\n",
    env: { PATH: "/usr/bin:/bin" },
    cwd: folder,
    ready: /^listening$/,
    stopSignal: "SIGTERM",
    logFile: join(folder, "log"),
  };
}
