import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Watchdog {
  /**
   * From now on the process ends with us: by `signal` (null: it notices by itself), after `graceMs` by SIGKILL. It must
   * have been started detached: what is left of its process group is killed after it.
   */
  guard(child: ChildProcess, how: { signal: NodeJS.Signals | null; graceMs: number }): void;
  /** From now on the folder goes away with us, after all guarded processes have ended. */
  removeAtEnd(folder: string): void;
  /** Ends what is still running, last guarded first, removes the folders, and resolves when that is done. */
  close(): Promise<void>;
}

/**
 * Starts a process of its own that outlives this one by as long as it takes to end what this one has left behind,
 * even after SIGKILL.
 */
export function startWatchdog(): Watchdog {
  const child = spawn(process.execPath, [fileURLToPath(new URL("watchdog.mjs", import.meta.url))], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: {},
    cwd: "/",
  });
  const exited = once(child, "exit");
  exited.catch(() => {});
  // Broken pipe: the watchdog was killed. What it guarded still ends when it is stopped in order.
  child.stdin.on("error", () => {});
  // Waiting for orders is no reason to keep this process alive.
  child.unref();
  unref(child.stdin);
  const order = (line: object) => {
    if (child.stdin.writable) child.stdin.write(`${JSON.stringify(line)}\n`);
  };
  return {
    guard: (guarded, { signal, graceMs }) => {
      if (guarded.pid === undefined) return;
      order({ guard: guarded.pid, signal, graceMs });
      guarded.once("exit", () => order({ forget: guarded.pid }));
    },
    removeAtEnd: (folder) => order({ remove: folder }),
    close: async () => {
      child.ref();
      child.stdin.end();
      await exited;
    },
  };
}

function unref(stream: object): void {
  if ("unref" in stream && typeof stream.unref === "function") stream.unref();
}
