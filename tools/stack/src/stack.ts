import { join } from "node:path";
import { fictionalAccount, randomApiKey } from "./account.ts";
import { startService, type ServiceProcess } from "./child-service.ts";
import { allStarted, createClosers, type Closers } from "./closers.ts";
import { createDatabase, migrate } from "./database.ts";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { restartable, type RestartableServer } from "./restartable-server.ts";
import { makeLogFolder } from "./run-folder.ts";
import { SERVICE_NAMES, type ServiceName } from "./service-name.ts";
import type { Stack, StackOptions } from "./stack-types.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

type Env = Readonly<Record<string, string>>;

/**
 * Starts PostgreSQL, Redis, the simulator and all services as processes of their own on 127.0.0.1, and resolves when
 * all have started. They know a fictional account of the simulator, never Twilio itself. When it fails, or when this
 * process vanishes by whatever cause, everything is ended and removed.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const closers = createClosers();
  const watchdog = startWatchdog();
  closers.add(() => watchdog.close());
  try {
    return await start(options, closers, watchdog);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function start(options: StackOptions, closers: Closers, watchdog: Watchdog): Promise<Stack> {
  const logFolder = await makeLogFolder();
  const apiKey = randomApiKey();
  const twilio = fictionalAccount();
  const account = {
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_WHATSAPP_FROM: twilio.from,
  };
  const launch = (name: ServiceName | "sim", entry: string, env: (port: number) => Env) => {
    const { onLine, onUnexpectedEnd } = options;
    return closers.track(
      startService({
        name,
        entry,
        env: (port) => ({ ...env(port), ...options.env?.[name] }),
        logFile: join(logFolder, `${name}.log`),
        watchdog,
        onLine: onLine && ((line) => onLine(name, line)),
        onUnexpectedEnd,
      }),
    );
  };

  const [{ url: databaseUrl, server: postgres }, { url: redisUrl, server: redis }, sim] = await allStarted([
    options.databaseUrl === undefined
      ? ownDatabase(options, closers, watchdog, logFolder)
      : migrated({ url: options.databaseUrl }),
    options.redisUrl === undefined
      ? ownRedis(closers, watchdog, logFolder)
      : Promise.resolve<Server>({ url: options.redisUrl }),
    launch("sim", "tools/twilio-sim/src/main.ts", (port) => ({ HTTP_PORT: `${port}`, ...account })),
  ]);
  const simUrl = `http://127.0.0.1:${sim.ports["http"]}`;
  const shared = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    BOOTSTRAP_API_KEY: apiKey,
    TWILIO_API_BASE_URL: simUrl,
    ...account,
  };
  const service = (name: ServiceName, env: (port: number) => Env) =>
    launch(name, `services/${name}/src/main.ts`, (port) => ({ ...shared, ...env(port) }));

  const ingest = service("webhook-ingest", (port) => ({
    HTTP_PORT: `${port}`,
    PUBLIC_WEBHOOK_URL: `http://127.0.0.1:${port}`,
  }));
  const dispatch = service("dispatch", (port) => ({ GRPC_PORT: `${port}` }));
  const statusQuery = service("status-query", (port) => ({ GRPC_PORT: `${port}` }));
  const sender = ingest.then(({ ports }) =>
    service("sender", () => ({ PUBLIC_WEBHOOK_URL: `http://127.0.0.1:${ports["http"]}` })),
  );
  const gateway = Promise.all([dispatch, statusQuery]).then(([{ ports: first }, { ports: second }]) =>
    service("gateway", (port) => ({
      HTTP_PORT: `${port}`,
      DISPATCH_URL: `dns:///127.0.0.1:${first["grpc"]}`,
      STATUS_QUERY_URL: `dns:///127.0.0.1:${second["grpc"]}`,
    })),
  );
  const started = await allStarted([ingest, dispatch, statusQuery, sender, gateway]);
  const processes = Object.fromEntries(started.map((process) => [process.name, [process]]));

  const find = (name: ServiceName, replica = 0): ServiceProcess => {
    const process = processes[name]?.[replica];
    if (process === undefined) throw new Error(`There is no ${name} number ${replica}.`);
    return process;
  };
  const address = (name: ServiceName, port: string) => `127.0.0.1:${find(name).ports[port]}`;
  return {
    get urls() {
      const admin = SERVICE_NAMES.map((name) => [name, `http://${address(name, "admin")}`]);
      return {
        gateway: `http://${address("gateway", "http")}`,
        webhookIngest: `http://${address("webhook-ingest", "http")}`,
        dispatchGrpc: address("dispatch", "grpc"),
        statusQueryGrpc: address("status-query", "grpc"),
        sim: simUrl,
        admin: Object.fromEntries(admin) as Record<ServiceName, string>,
        databaseUrl,
        redisUrl,
      };
    },
    apiKey,
    twilio,
    sim,
    postgres,
    redis,
    logFolder,
    service: find,
    stop: () => closers.close(),
  };
}

/** A server that the stack uses, and the handle of one that is its own. */
interface Server {
  readonly url: string;
  readonly server?: RestartableServer;
}

async function ownDatabase(
  { durable = false }: StackOptions,
  closers: Closers,
  watchdog: Watchdog,
  logFolder: string,
): Promise<Server> {
  const postgres = await startPostgres({ watchdog, logFile: join(logFolder, "postgres.log"), durable });
  const server = restartable(postgres, () => postgres.startAgain());
  closers.add(() => server.stop());
  return migrated({ url: await createDatabase(postgres.url, "wahub"), server });
}

async function ownRedis(closers: Closers, watchdog: Watchdog, logFolder: string): Promise<Server> {
  const redis = await startRedis({ watchdog, logFile: join(logFolder, "redis.log") });
  const server = restartable(redis, () => redis.startAgain());
  closers.add(() => server.stop());
  return { url: redis.url, server };
}

async function migrated(database: Server): Promise<Server> {
  await migrate(database.url);
  return database;
}
