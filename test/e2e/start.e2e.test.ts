import { execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { allowedEnvironment } from "../../scripts/allowed-environment.mjs";
import { choosePorts, type ChosenPort } from "../../tools/stack/src/start/ports.ts";
import { takenPorts } from "../../tools/stack/src/start/taken-ports.ts";

/** A shell's exit code for a program that is not there. */
const COMMAND_NOT_FOUND = 127;

const main = fileURLToPath(new URL("../../tools/stack/src/start/main.ts", import.meta.url));

/** The `npm start` of a stranger: a folder of its own and, beside other tests, ports of its own. */
let folder: string;
let data: string;
let gateway: string;
const running: Awaited<ReturnType<typeof start>>[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "wahub-start-test-"));
  // As root, PostgreSQL runs as somebody else, who must get through.
  chmodSync(folder, 0o755);
  data = join(folder, "data");
  const ports = await freePorts();
  gateway = `http://127.0.0.1:${ports[0]!.port}`;
  writeFileSync(join(folder, ".env"), ports.map(({ variable, port }) => `${variable}=${port}\n`).join(""));
});

afterEach(async () => {
  for (const one of running.splice(0)) await one.kill();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Below those of test servers and of outgoing connections. */
async function freePorts(): Promise<ChosenPort[]> {
  const first = randomInt(10_000, 19_900);
  const { ports } = choosePorts(
    Object.fromEntries(choosePorts({}).ports.map(({ variable }, at) => [variable, `${first + at}`])),
  );
  return (await takenPorts(ports, "127.0.0.1")).length === 0 ? ports : freePorts();
}

async function start() {
  const env = allowedEnvironment(process.env, { set: { TWILIO_AUTH_TOKEN: "of-the-real-twilio" } });
  const args = [main, "--data", data, "--env-file", join(folder, ".env")];
  const child = spawn(process.execPath, args, { env, stdio: "pipe" });
  const lines: string[] = [];
  let wake = () => {};
  for (const output of [child.stdout, child.stderr])
    createInterface({ input: output }).on("line", (line) => {
      lines.push(line);
      wake();
    });
  const exited = once(child, "close").then(([code]) => code as number | null);
  void exited.then(() => wake());

  /** The first match of a line, of those said already or to come. */
  async function said(pattern: RegExp): Promise<RegExpExecArray> {
    for (let at = 0; ; at += 1) {
      while (at >= lines.length) {
        if (child.exitCode !== null) throw new Error(`npm start ended without ${pattern}:\n${lines.join("\n")}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
      const match = pattern.exec(lines[at]!);
      if (match !== null) return match;
    }
  }
  const processes = () => lines.flatMap((line) => / as process (\d+)$/.exec(line)?.[1] ?? []).map(Number);
  return {
    child,
    exited,
    said,
    processes,
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      await exited;
      while (processes().some(isRunning)) await sleep(50);
    },
  };
}

async function startHub() {
  const hub = await start();
  running.push(hub);
  await hub.said(/^Everything keeps running until Ctrl-C/);
  const [, key = ""] = await hub.said(/^API key .*: {2}(\S+)$/);
  const call = async (method: string, request: object) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const body = JSON.stringify(request);
    const answer = await fetch(`${gateway}/whatsapphub.v1.${method}`, { method: "POST", headers, body });
    return (await answer.json()) as Record<string, Record<string, unknown>>;
  };
  const delivered = async (messageId: string) => {
    const done = ["MESSAGE_STATUS_DELIVERED", "MESSAGE_STATUS_READ"];
    const status = async () => (await call("StatusService/GetMessage", { messageId }))["message"]?.["status"];
    while (!done.includes(String(await status()))) await sleep(100);
  };
  return { ...hub, key, call, delivered };
}

interface Accepted {
  job_ids: string[];
  batch_id: string;
}

/** As a person would: copied from the terminal into a shell. Where there is no curl, what it would have sent. */
async function runLine(line: string): Promise<Accepted> {
  try {
    const { stdout } = await promisify(execFile)("sh", ["-c", line]);
    return JSON.parse(stdout) as Accepted;
  } catch (error) {
    if ((error as { code?: unknown }).code !== COMMAND_NOT_FOUND) throw error;
    const [, url = "", ...args] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([word, quoted]) => quoted ?? word);
    const after = (flag: string) => args.filter((_, at) => args[at - 1] === flag);
    const headers = after("-H").map((header) => header.split(": ") as [string, string]);
    const answer = await fetch(url, { method: "POST", headers, body: after("-d")[0]! });
    return (await answer.json()) as Accepted;
  }
}

/** A zombie, which only waits for its parent to look at it, is not running. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("npm start", () => {
  let first: Accepted;
  let firstKey: string;

  test("runs until Ctrl-C: its curl line works as it stands, a service that dies comes back, and no process stays", async () => {
    const hub = await startHub();
    firstKey = hub.key;
    await hub.said(/^Not used, because --real-twilio is not given: TWILIO_AUTH_TOKEN\.$/);
    await hub.said(/simulated Twilio: nothing leaves this machine/);
    const [curl] = await hub.said(/^curl .*/);
    first = await runLine(curl);
    await hub.delivered(first.job_ids[0]!);

    const [, sender] = await hub.said(/sender runs as process (\d+)$/);
    const [, redis] = await hub.said(/Redis runs as process (\d+)$/);
    for (const pid of [sender, redis]) process.kill(Number(pid), "SIGKILL");
    await hub.said(/sender is gone \(ended by SIGKILL\); starting it again in 0.5 s$/);
    await hub.said(/sender runs again as process/);
    await hub.said(/Redis runs again as process/);
    const second = await runLine(curl);
    await hub.delivered(second.job_ids[0]!);

    hub.child.kill("SIGINT");
    expect(await hub.exited).toBe(0);
    expect(hub.processes()).toHaveLength(10);
    expect(hub.processes().filter(isRunning)).toEqual([]);
  });

  test("finds what an earlier start has stored, with the same key; killed, it leaves the data and nothing else", async () => {
    const hub = await startHub();
    expect(hub.key).toBe(firstKey);
    const { batch } = await hub.call("StatusService/GetBatch", { batchId: first.batch_id });
    expect(batch).toMatchObject({ id: first.batch_id, total: 1 });
    await hub.kill();
    expect(hub.processes().filter(isRunning)).toEqual([]);
    expect(existsSync(join(data, "postgres", "data", "PG_VERSION"))).toBe(true);
    expect(statSync(join(data, "api-key")).mode & 0o777).toBe(0o600);
  });

  test("starts nothing when a port is taken, and says which", async () => {
    const port = Number(new URL(gateway).port);
    const somebody = createServer().listen(port, "127.0.0.1");
    await once(somebody, "listening");
    const hub = await start();
    await hub.said(new RegExp(`port ${port} is taken +gateway, .* set GATEWAY_HTTP_PORT$`));
    expect(await hub.exited).toBe(69);
    expect(hub.processes()).toEqual([]);
    somebody.close();
  });
});
