import { join } from "node:path";
import { allStarted, createClosers } from "../closers.ts";
import { describeEnd, endProcess } from "../process-end.ts";
import { makeLogFolder } from "../run-folder.ts";
import { launch, STOP_GRACE_MS } from "../service-launch.ts";
import { SERVICE_NAMES, type ServiceName } from "../service-name.ts";
import { startWatchdog } from "../watchdog.ts";
import { keptApiKey } from "./api-key.ts";
import { startServers } from "./servers.ts";
import type { ServiceSchemas } from "./service-schemas.ts";
import { serviceEnvironment, simulatorEnvironment, type ServerAddresses, type StartSettings } from "./settings.ts";
import { supervise, type Run, type Supervised } from "./supervise.ts";

/** Doors close first, then what works behind them, then what they work with. */
const STOP_ORDER = ["gateway", "status-query", "dispatch", "sender", "webhook-ingest", "sim"] as const;

export interface HubOptions {
  settings: StartSettings;
  schemas: ServiceSchemas;
  dataFolder: string;
  /** Called with every line that a service or the simulator writes, and with what happens to them (name `start`). */
  onLine: (name: string, line: string) => void;
}

export interface Hub extends ServerAddresses {
  readonly logFolder: string;
  /** Stops everything, the doors first and PostgreSQL last. */
  stop(): Promise<void>;
}

/**
 * Starts the servers and every service as processes of their own, restarts those that die, and resolves when all have
 * started. When it fails, or when this process vanishes by whatever cause, everything is ended; the data stay.
 */
export async function startHub(options: HubOptions): Promise<Hub> {
  const { settings, schemas, dataFolder, onLine } = options;
  const closers = createClosers();
  const watchdog = startWatchdog();
  closers.add(() => watchdog.close());
  const say = (line: string) => onLine("start", line);
  try {
    const logFolder = await makeLogFolder();
    const apiKey = settings.apiKey ?? (await keptApiKey(dataFolder));
    const addresses = {
      apiKey,
      ...(await startServers({ settings, dataFolder, logFolder, watchdog, closers, say })),
    };

    const running = new Map<string, Supervised>();
    closers.add(async () => {
      for (const name of STOP_ORDER) await running.get(name)?.stop();
    });
    const start = async (name: ServiceName | "sim") => {
      const entry = name === "sim" ? "tools/twilio-sim/src/main.ts" : `services/${name}/src/main.ts`;
      const env =
        name === "sim" ? simulatorEnvironment(settings) : serviceEnvironment(settings, addresses, name, schemas);
      const title = name === "sim" ? "simulator" : name;
      const logFile = join(logFolder, `${title}.log`);
      const spec = {
        name: title,
        entry,
        env: () => env,
        logFile,
        watchdog,
        onLine: (line: string) => onLine(title, line),
      };
      const run = async (): Promise<Run> => {
        const { child, ended } = await launch(spec, 0, {});
        return {
          pid: child.pid ?? 0,
          ended: ended.then(describeEnd),
          stop: () => endProcess(child, ended, { signal: "SIGTERM", graceMs: STOP_GRACE_MS }),
        };
      };
      running.set(name, await supervise({ name: title, start: run, say }));
    };
    const simulator = settings.twilio.kind === "simulated" ? [start("sim")] : [];
    await allStarted([...simulator, ...SERVICE_NAMES.map(start)]);
    return { ...addresses, logFolder, stop: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
