// A process that starts PostgreSQL and Redis, says what it started, and waits to be killed.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { startWatchdog } from "./watchdog.ts";

const watchdog = startWatchdog();
const folder = mkdtempSync(join(tmpdir(), "wahub-abandoned-test-"));
watchdog.removeAtEnd(folder);
const [postgres, redis] = await Promise.all([
  startPostgres({ watchdog, logFile: join(folder, "postgres.log"), durable: false }),
  startRedis({ watchdog, logFile: join(folder, "redis.log") }),
]);
const { pid } = process;
process.send?.({ pid, folder, servers: [postgres.pid, redis.pid], urls: [postgres.url, redis.url] });
