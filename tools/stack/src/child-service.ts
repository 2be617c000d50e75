import { onFreePort } from "./port.ts";
import { endProcess } from "./process-end.ts";
import { launch, STOP_GRACE_MS, type Ports, type ServiceSpec } from "./service-launch.ts";

export interface ServiceProcess {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number;
  readonly ports: Ports;
  readonly running: boolean;
  /** SIGTERM, and SIGKILL when that takes too long. Resolves when it has ended. */
  stop(): Promise<void>;
  /** SIGKILL: it has no chance to finish anything. Resolves when it has ended. */
  kill(): Promise<void>;
  /** SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(name: NodeJS.Signals): void;
  /** Stops it if it runs, and starts it again on the same port, with `env` on top of its configuration. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
}

/**
 * Starts a service as a process of its own and resolves when it reports that it has started. It sees a short list of
 * environment variables and its configuration, nothing else. Throws with its last lines when it does not start.
 */
export async function startService(spec: ServiceSpec): Promise<ServiceProcess> {
  let extra: Readonly<Record<string, string>> = {};
  let current = await onFreePort((port) => launch(spec, port, extra));
  const end = async (signal: NodeJS.Signals) => {
    current.expected = true;
    await endProcess(current.child, current.ended, { signal, graceMs: STOP_GRACE_MS });
  };
  return {
    name: spec.name,
    logFile: spec.logFile,
    get pid() {
      return current.child.pid ?? 0;
    },
    get ports() {
      return current.ports;
    },
    get running() {
      return !current.over;
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    signal: (name) => void current.child.kill(name),
    restart: async (env = {}) => {
      await end("SIGTERM");
      extra = { ...extra, ...env };
      current = await launch(spec, current.port, extra);
    },
  };
}
