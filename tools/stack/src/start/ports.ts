import type { ServiceName } from "../service-name.ts";

/** A port that `npm start` needs. */
export interface PortUse {
  readonly service: ServiceName | "sim";
  /** The setting as the service itself reads it. */
  readonly setting: "HTTP_PORT" | "GRPC_PORT" | "ADMIN_PORT" | "QUEUE_BOARD_PORT";
  /** The same in an environment that all services share. */
  readonly variable: string;
  /** Undefined: only where the variable is set. */
  readonly standard: number | undefined;
  readonly what: string;
}

/** Every port, in the order in which they are told. The standard ones are those of docs/running.md. */
export const portUses: readonly PortUse[] = [
  use("gateway", "HTTP_PORT", 8080, "HTTP for web clients"),
  use("webhook-ingest", "HTTP_PORT", 8081, "HTTP for Twilio's webhooks"),
  use("dispatch", "GRPC_PORT", 50051, "gRPC"),
  use("status-query", "GRPC_PORT", 50052, "gRPC"),
  use("sim", "HTTP_PORT", 8090, "HTTP of the simulated Twilio"),
  use("gateway", "ADMIN_PORT", 9101, "admin port"),
  use("dispatch", "ADMIN_PORT", 9102, "admin port"),
  use("sender", "ADMIN_PORT", 9103, "admin port"),
  use("webhook-ingest", "ADMIN_PORT", 9104, "admin port"),
  use("status-query", "ADMIN_PORT", 9105, "admin port"),
  {
    service: "dispatch",
    setting: "QUEUE_BOARD_PORT",
    variable: "QUEUE_BOARD_PORT",
    standard: undefined,
    what: "queue board",
  },
];

function use(service: PortUse["service"], setting: PortUse["setting"], standard: number, what: string): PortUse {
  return { service, setting, variable: `${service.toUpperCase().replace("-", "_")}_${setting}`, standard, what };
}

/** A port as it was chosen for this start. */
export interface ChosenPort extends PortUse {
  readonly port: number;
}

/** The ports of this start, and what is wrong with them, in words. */
export function choosePorts(
  env: Readonly<Record<string, string | undefined>>,
  uses: readonly PortUse[] = portUses,
): { ports: ChosenPort[]; faults: string[] } {
  const ports: ChosenPort[] = [];
  const faults: string[] = [];
  for (const one of uses) {
    const text = (env[one.variable] ?? "").trim();
    const port = text === "" ? one.standard : Number(text);
    if (port === undefined) continue;
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      faults.push(`${one.variable} is ${JSON.stringify(text)}: must be a port from 1 to 65535`);
      continue;
    }
    const other = ports.find((chosen) => chosen.port === port);
    if (other !== undefined) faults.push(`${other.variable} and ${one.variable} are both ${port}`);
    ports.push({ ...one, port });
  }
  return { ports, faults };
}

/** The port of a service that has one for this purpose. */
export function portOf(
  ports: readonly ChosenPort[],
  service: PortUse["service"],
  setting: PortUse["setting"],
): number | undefined {
  return ports.find((one) => one.service === service && one.setting === setting)?.port;
}

/**
 * The environment for one service by itself: the ports that `npm start` would give it, under the names that it reads.
 * Those names, where they are set, go first.
 */
export function withPortsOf(
  service: ServiceName,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const ports = portUses
    .filter((one) => one.service === service && (env[one.variable] ?? "") !== "" && (env[one.setting] ?? "") === "")
    .map((one) => [one.setting, env[one.variable]]);
  return { ...env, ...Object.fromEntries(ports) };
}
