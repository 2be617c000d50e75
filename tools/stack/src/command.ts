import { execFile } from "node:child_process";

export interface CommandOptions {
  env: Readonly<Record<string, string>>;
  cwd?: string;
  timeoutMs?: number;
  /** The user to run as; only root may choose. */
  user?: { uid: number; gid: number };
}

/**
 * Runs a program to its end and returns its standard output. Throws an error with the last lines of its output when
 * it cannot be started, fails or takes too long.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { env, cwd, timeoutMs = 60_000, user } = options;
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { env, timeout: timeoutMs, maxBuffer: 64 << 20, encoding: "utf8", ...(cwd && { cwd }), ...user },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const output = lastLines(`${stdout}${stderr}`, 8);
        const why = error.killed === true ? `no end after ${timeoutMs} ms` : reasonOf(error);
        reject(new Error(`${command} ${args[0] ?? ""}: ${why}${output && `\n${output}`}`, { cause: error }));
      },
    );
  });
}

/** The last `count` lines that are not empty. */
export function lastLines(text: string, count: number): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-count).join("\n");
}

function reasonOf(error: { code?: number | string | null; signal?: string | null | undefined }): string {
  return error.signal
    ? `ended by ${error.signal}`
    : typeof error.code === "number"
      ? `exit code ${error.code}`
      : `${error.code}`;
}
