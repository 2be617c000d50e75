import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";

interface Started {
  folder: string;
  servers: number[];
  urls: string[];
}

describe("PostgreSQL and Redis", () => {
  test("end, and their files go, when the process that started them is killed", async () => {
    const parent = fork(fileURLToPath(new URL("abandoned-servers.fixture.ts", import.meta.url)));
    const [started] = (await once(parent, "message")) as [Started];
    expect(started.servers.filter(isRunning)).toEqual(started.servers);
    await Promise.all(started.urls.map(canConnect));
    parent.kill("SIGKILL");
    await once(parent, "exit");
    while (started.servers.some(isRunning) || existsSync(started.folder)) await sleep(20);
    await expect(Promise.all(started.urls.map(canConnect))).rejects.toThrow("ECONNREFUSED");
  });
});

/** A zombie, which only waits for its parent to look at it, is not running. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function canConnect(url: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}
