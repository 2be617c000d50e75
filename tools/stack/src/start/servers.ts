import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { Closers } from "../closers.ts";
import { ensureDatabase, migrate } from "../database.ts";
import { startPostgres, type Postgres } from "../postgres.ts";
import { describeEnd } from "../process-end.ts";
import { startRedis, type Redis } from "../redis.ts";
import type { ServerProcess } from "../server-process.ts";
import type { Watchdog } from "../watchdog.ts";
import { refuseForeignAccount } from "./foreign-account.ts";
import type { StartSettings } from "./settings.ts";
import { supervise, type Run } from "./supervise.ts";

export interface ServerOptions {
  settings: StartSettings;
  dataFolder: string;
  logFolder: string;
  watchdog: Watchdog;
  closers: Closers;
  say: (line: string) => void;
}

/**
 * PostgreSQL and Redis: the user's where their URLs are set, else own ones that keep their data in the data folder. One
 * after the other: PostgreSQL's lock on its files also tells that no Redis of an earlier start is at work any more.
 * The database is brought to the newest schema.
 */
export async function startServers(options: ServerOptions): Promise<{ databaseUrl: string; redisUrl: string }> {
  const { settings, closers } = options;
  // Simulated messages never meet real ones.
  const real = settings.twilio.kind === "real";
  let { databaseUrl, redisUrl } = settings;
  if (databaseUrl === undefined) {
    const server = await ownPostgres(options, closers);
    databaseUrl = await ensureDatabase(server.url, real ? "wahub_real" : "wahub");
    await migrate(databaseUrl);
  } else {
    await migrate(databaseUrl);
    await refuseForeignAccount(databaseUrl, settings.twilio);
  }
  redisUrl ??= `${(await ownRedis(options, closers)).url}/${real ? 1 : 0}`;
  return { databaseUrl, redisUrl };
}

async function ownPostgres(
  { dataFolder, logFolder, watchdog, say }: ServerOptions,
  closers: Closers,
): Promise<Postgres> {
  let server: Postgres | undefined;
  const start = async () => {
    if (server !== undefined) return runOf(await server.startAgain());
    const keepIn = join(dataFolder, "postgres");
    const logFile = join(logFolder, "postgres.log");
    server = await startPostgres({ watchdog, logFile, durable: true, keepIn });
    if (isLink(keepIn)) say(`PostgreSQL's user cannot reach ${dataFolder}: its files are in ${server.folder}`);
    return runOf(server);
  };
  await closers.track(supervise({ name: "PostgreSQL", start, say }));
  return server!;
}

async function ownRedis({ dataFolder, logFolder, watchdog, say }: ServerOptions, closers: Closers): Promise<Redis> {
  let server: Redis | undefined;
  const start = async () => {
    if (server !== undefined) return runOf(await server.startAgain());
    const keepIn = join(dataFolder, "redis");
    const logFile = join(logFolder, "redis.log");
    server = await startRedis({ watchdog, logFile, appendOnly: true, keepIn });
    return runOf(server);
  };
  await closers.track(supervise({ name: "Redis", start, say }));
  return server!;
}

function runOf(server: ServerProcess): Run {
  return { pid: server.pid, ended: server.ended.then(describeEnd), stop: () => server.stop() };
}

function isLink(path: string): boolean {
  return lstatSync(path).isSymbolicLink();
}
