import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf } from "./process-children.ts";
import type { ServerProcess } from "./server-process.ts";

const START_TRIES = 20;
const TRY_AGAIN_MS = 250;

/** A server that can go away and come back, on the same port and with the same password. */
export interface RestartableServer {
  /** Ends it in order; PostgreSQL closes its connections. Resolves when it has ended. */
  stop(): Promise<void>;
  /** SIGKILL to all its processes at once, as when the machine crashes. */
  kill(): Promise<void>;
  /** Starts it again: PostgreSQL with its data, Redis with what it has kept, which may be nothing. */
  start(): Promise<void>;
}

/** @param startAgain starts the server that has ended once more, on its port */
export function restartable(first: ServerProcess, startAgain: () => Promise<ServerProcess>): RestartableServer {
  let current = first;
  return {
    stop: () => current.stop(),
    async kill() {
      const children = childrenOf(current.pid);
      for (const pid of [current.pid, ...children]) sendKill(pid);
      await current.ended;
    },
    async start() {
      await current.stop();
      for (let tries = 1; ; tries += 1) {
        try {
          current = await startAgain();
          return;
        } catch (error) {
          // Processes of the one that was killed may hold its port or memory for a moment.
          if (tries >= START_TRIES) throw error;
          await sleep(TRY_AGAIN_MS);
        }
      }
    },
  };
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
