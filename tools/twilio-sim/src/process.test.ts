import { fork, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, jest, test } from "@jest/globals";

// Starting a process takes its time on a busy machine.
jest.setTimeout(30_000);

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const PORTS = { HOST: "127.0.0.1", HTTP_PORT: "0" };

interface Started {
  readonly type: string;
  readonly ports: { readonly http: number };
}

function forkSim(env: Readonly<Record<string, string>> = {}): ChildProcess {
  return fork(MAIN, [], { env: { ...PORTS, ...env }, stdio: ["ignore", "pipe", "pipe", "ipc"] });
}

async function exitOf(child: ChildProcess): Promise<unknown> {
  return child.exitCode ?? (await once(child, "exit"))[0];
}

async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

describe("the process", () => {
  test("says that it has started, and where, to its parent and in its log", async () => {
    const child = forkSim();
    let output = "";
    child.stdout!.on("data", (chunk) => (output += String(chunk)));
    const [started] = (await once(child, "message")) as [Started];
    expect(started).toEqual({ type: "started", ports: { http: expect.any(Number) } });
    expect((await fetch(`http://127.0.0.1:${started.ports.http}/sim/health`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await exitOf(child)).toBe(0);
    const lines = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({
      level: "info",
      event: "started",
      ports: { http: started.ports.http },
      use: {
        TWILIO_API_BASE_URL: `http://127.0.0.1:${started.ports.http}`,
        TWILIO_ACCOUNT_SID: `AC${"5150".repeat(8)}`,
        TWILIO_AUTH_TOKEN: "5150".repeat(8),
        TWILIO_WHATSAPP_FROM: "+18005550199",
      },
    });
  });

  test("stops when its parent is gone", async () => {
    const child = forkSim();
    await once(child, "message");
    child.disconnect();
    expect(await exitOf(child)).toBe(0);
  });

  test("does not log a token it was given", async () => {
    const child = forkSim({ SIM_AUTH_TOKEN: "very-secret" });
    let output = "";
    child.stdout!.on("data", (chunk) => (output += String(chunk)));
    await once(child, "message");
    child.kill("SIGINT");
    await exitOf(child);
    expect(output).toContain("started");
    expect(output).not.toContain("very-secret");
  });

  test("names every fault of its configuration and exits with 78", async () => {
    expect(await run(["--speed=fast"], { HTTP_PORT: "x" })).toEqual({
      code: 78,
      output: "HTTP_PORT must be a port from 0 to 65535\n--speed must be a number from 0.001 to 1000000\n",
    });
  });

  test("names a port that is taken and exits with 69", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { code, output } = await run([`--port=${port}`], {});
    server.close();
    expect(code).toBe(69);
    expect(output).toContain(`port ${port} on 127.0.0.1 is in use`);
  });

  test("explains itself", async () => {
    const { code, output } = await run(["--help"], {});
    expect(code).toBe(0);
    expect(output).toContain("--read-share=0.7");
  });
});
