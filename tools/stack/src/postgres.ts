import { spawn } from "node:child_process";
import { chown, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keptCluster, temporaryCluster, type MakeCluster } from "./postgres-cluster.ts";
import { describeEnd, whenEnded } from "./process-end.ts";
import { postgresUser, type OsUser } from "./os-user.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { startServer, type ServerProcess, type ServerSpec } from "./server-process.ts";
import type { Watchdog } from "./watchdog.ts";

const SUPERUSER = "wahub";
const INITDB_GRACE_MS = 5_000;
/** LC_ALL keeps its messages in the language we wait for; no PG* variable of the machine gets in. */
const ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

export interface PostgresOptions {
  watchdog: Watchdog;
  logFile: string;
  /** True: every commit survives a crash (fsync). False: faster, for data nobody misses. */
  durable: boolean;
  /** A folder to keep its data in. Default: a temporary one that goes away with this process. */
  keepIn?: string;
}

export interface Postgres extends ServerProcess {
  /** Superuser, database `postgres`. */
  readonly url: string;
  /** Where its files are. */
  readonly folder: string;
  /** Once it has ended: starts it again on the same port, with its data. */
  startAgain(): Promise<ServerProcess>;
}

/**
 * A PostgreSQL on 127.0.0.1 with a random password, which ends with this process. Without `keepIn` it is new and empty,
 * and all of it goes away.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { watchdog, logFile, durable, keepIn } = options;
  const user = postgresUser();
  const binaries = await postgresBinaries(user);
  const make: MakeCluster = (folder, password) =>
    initialise({ binaries, folder, password, user, watchdog, sync: keepIn !== undefined });
  const { folder, password } =
    keepIn === undefined
      ? await temporaryCluster({ user, watchdog, make })
      : await keptCluster({ folder: keepIn, user, watchdog, make });
  const spec: ServerSpec = {
    name: "PostgreSQL",
    command: join(binaries, "bin", "postgres"),
    args: (port) => ["-D", join(folder, "data"), "-p", `${port}`, ...settings(durable)],
    env: ENVIRONMENT,
    cwd: folder,
    user: user && { uid: user.uid, gid: user.gid },
    ready: /database system is ready to accept connections/,
    // "Fast" shutdown: open connections are closed.
    stopSignal: "SIGINT",
    logFile,
  };
  const server = await startServer(spec, watchdog);
  return {
    ...server,
    folder,
    url: `postgresql://${SUPERUSER}:${password}@127.0.0.1:${server.port}/postgres`,
    startAgain: () => startServer(spec, watchdog, server.port),
  };
}

function settings(durable: boolean): string[] {
  const values = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "128MB",
    timezone: "UTC",
    log_timezone: "UTC",
    synchronous_commit: "on",
    ...(durable ? {} : { fsync: "off", full_page_writes: "off" }),
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

interface Initialisation {
  binaries: string;
  folder: string;
  password: string;
  user: OsUser | undefined;
  watchdog: Watchdog;
  /** Wait until the files are on disk. */
  sync: boolean;
}

async function initialise({ binaries, folder, password, user, watchdog, sync }: Initialisation): Promise<void> {
  const passwordFile = join(folder, "initdb-password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  const args = [`--pgdata=${join(folder, "data")}`, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`];
  const child = spawn(
    join(binaries, "bin", "initdb"),
    [...args, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", ...(sync ? [] : ["--no-sync"])],
    {
      cwd: folder,
      env: ENVIRONMENT,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      ...(user && { uid: user.uid, gid: user.gid }),
    },
  );
  watchdog.guard(child, { signal: "SIGTERM", graceMs: INITDB_GRACE_MS });
  const complaints: Buffer[] = [];
  child.stderr.on("data", (data: Buffer) => complaints.push(data));
  const end = await whenEnded(child);
  await rm(passwordFile, { force: true });
  if (end.code !== 0) throw new Error(`initdb: ${describeEnd(end)}\n${Buffer.concat(complaints).toString()}`);
}
