import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { resolveRedisBinary } from "./redis-binary.ts";
import { isAtLeast } from "./redis-version.ts";
import { startServer, type ServerProcess, type ServerSpec } from "./server-process.ts";
import { makePrivateFolder } from "./temporary-folder.ts";
import type { Watchdog } from "./watchdog.ts";

export interface RedisOptions {
  watchdog: Watchdog;
  logFile: string;
  /** Keep what was written in an append-only file, as a production Redis would. Default: memory only. */
  appendOnly?: boolean;
  /** A folder to keep its data in. Default: a temporary one that goes away with this process. */
  keepIn?: string;
}

export interface Redis extends ServerProcess {
  readonly url: string;
  /** Once it has ended: starts it again on the same port, with what it has kept. */
  startAgain(): Promise<ServerProcess>;
}

/**
 * A Redis on 127.0.0.1 with a random password, which ends with this process. Without `keepIn` it is new and empty, and
 * all of it goes away.
 */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const { watchdog, logFile, appendOnly = false } = options;
  const binary = await resolveRedisBinary();
  const folder = options.keepIn ?? (await makePrivateFolder("wahub-redis-"));
  if (options.keepIn === undefined) watchdog.removeAtEnd(folder);
  else await mkdir(folder, { recursive: true, mode: 0o700 });
  const password = randomBytes(18).toString("base64url");
  // Redis 7 renamed the setting. Jobs with ids and options are longer than the default of 64 bytes.
  const compactHashes = isAtLeast(binary.version, [7, 0]) ? "hash-max-listpack-value" : "hash-max-ziplist-value";
  const config = (port: number) =>
    [
      "bind 127.0.0.1",
      `port ${port}`,
      // In the configuration, not among the arguments: those are visible to everyone on the machine.
      `requirepass ${password}`,
      `dir "${folder}"`,
      'save ""',
      `appendonly ${appendOnly ? "yes" : "no"}`,
      "maxmemory-policy noeviction",
      `${compactHashes} 1024`,
      "daemonize no",
      "",
    ].join("\n");
  const spec: ServerSpec = {
    name: "Redis",
    command: binary.command,
    args: () => ["-"],
    input: config,
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...binary.env },
    cwd: folder,
    ready: /Ready to accept connections/,
    stopSignal: "SIGTERM",
    logFile,
  };
  const server = await startServer(spec, watchdog);
  return {
    ...server,
    url: `redis://:${password}@127.0.0.1:${server.port}`,
    startAgain: () => startServer(spec, watchdog, server.port),
  };
}
