import { join } from "node:path";
import { allStarted, createClosers } from "./closers.ts";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { makeLogFolder } from "./run-folder.ts";
import { startWatchdog } from "./watchdog.ts";

export interface TestServers {
  /** Superuser, database `postgres`. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  stop(): Promise<void>;
}

/** PostgreSQL (fast, not durable) and Redis, without any service. They end with this process, whatever ends it. */
export async function startTestServers(): Promise<TestServers> {
  const closers = createClosers();
  const watchdog = startWatchdog();
  closers.add(() => watchdog.close());
  try {
    const logFolder = await makeLogFolder();
    const [postgres, redis] = await allStarted([
      closers.track(startPostgres({ watchdog, logFile: join(logFolder, "postgres.log"), durable: false })),
      closers.track(startRedis({ watchdog, logFile: join(logFolder, "redis.log") })),
    ]);
    return { databaseUrl: postgres.url, redisUrl: redis.url, stop: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
