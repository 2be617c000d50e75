import type { ChildProcess } from "node:child_process";

export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Resolves when the process has ended or could not be started at all; never rejects. */
export function whenEnded(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
}

/** Asks the process to end with `signal` and kills it when it takes longer than `graceMs`. */
export async function endProcess(
  child: ChildProcess,
  ended: Promise<ProcessEnd>,
  { signal, graceMs }: { signal: NodeJS.Signals; graceMs: number },
): Promise<ProcessEnd> {
  child.kill(signal);
  const deadline = setTimeout(() => child.kill("SIGKILL"), graceMs);
  try {
    return await ended;
  } finally {
    clearTimeout(deadline);
  }
}

export function describeEnd({ code, signal }: ProcessEnd): string {
  if (signal !== null) return `ended by ${signal}`;
  return code === null ? "could not be started" : `exit code ${code}`;
}
