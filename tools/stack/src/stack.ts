import { join } from "node:path";
import { fictionalAccount, randomApiKey } from "./account.ts";
import { startService, type ServiceProcess } from "./child-service.ts";
import { allStarted, createClosers, type Closers } from "./closers.ts";
import { createDatabase, migrate } from "./database.ts";
import { grpcTarget, startFleet } from "./fleet.ts";
import { startKeptRunning } from "./kept-running.ts";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { startRelay } from "./relay.ts";
import { restartable, type RestartableServer } from "./restartable-server.ts";
import { makeLogFolder } from "./run-folder.ts";
import type { ServiceSpec } from "./service-launch.ts";
import { SERVICE_NAMES, type ServiceName } from "./service-name.ts";
import { createStackRelays } from "./stack-relays.ts";
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
  const { onLine, onUnexpectedEnd, restartAfterMs, replicas = {} } = options;
  const launch = (name: ServiceName | "sim", replica: number, entry: string, env: (port: number) => Env) => {
    const ownName = replica === 0 ? name : `${name}-${replica + 1}`;
    const spec: ServiceSpec = {
      name: ownName,
      entry,
      env: (port) => ({ ...env(port), ...options.env?.[name] }),
      logFile: join(logFolder, `${ownName}.log`),
      watchdog,
      onLine: onLine && ((line) => onLine(name, line)),
      onUnexpectedEnd,
    };
    return closers.track(
      // The simulator's ledger would be gone with it: it is not started again.
      restartAfterMs === undefined || name === "sim" ? startService(spec) : startKeptRunning(spec, restartAfterMs),
    );
  };

  const [{ url: databaseUrl, server: postgres }, { url: redisUrl, server: redis }, sim] = await allStarted([
    options.databaseUrl === undefined
      ? ownDatabase(options, closers, watchdog, logFolder)
      : migrated({ url: options.databaseUrl }),
    options.redisUrl === undefined
      ? ownRedis(closers, watchdog, logFolder)
      : Promise.resolve<Server>({ url: options.redisUrl }),
    launch("sim", 0, "tools/twilio-sim/src/main.ts", (port) => ({ HTTP_PORT: `${port}`, ...account })),
  ]);
  const simUrl = `http://127.0.0.1:${sim.ports["http"]}`;
  const shared = {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    BOOTSTRAP_API_KEY: apiKey,
    TWILIO_API_BASE_URL: simUrl,
    ...account,
  };

  const way = createStackRelays(closers);
  const ingestPorts: number[] = [];
  const webhookRelay = (replicas["webhook-ingest"] ?? 1) > 1 ? await startRelay(() => ingestPorts) : undefined;
  if (webhookRelay !== undefined) closers.add(() => webhookRelay.close());
  const fleet = await startFleet({
    replicas,
    webhookUrl: webhookRelay && `http://127.0.0.1:${webhookRelay.port}`,
    start: async (name, replica, env) => {
      const common = options.relays === true ? await way.lay(name, replica, shared) : shared;
      const entry = `services/${name}/src/main.ts`;
      const service = await launch(name, replica, entry, (port) => ({ ...common, ...env(port) }));
      if (name === "webhook-ingest") ingestPorts.push(service.ports["http"]!);
      return service;
    },
  });

  const find = (name: ServiceName, replica = 0): ServiceProcess => {
    const process = fleet[name][replica];
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
        dispatchGrpc: grpcTarget(fleet.dispatch),
        statusQueryGrpc: grpcTarget(fleet["status-query"]),
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
    replicas: (name) => fleet[name],
    relays: way.relays,
    webhookRelay,
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
