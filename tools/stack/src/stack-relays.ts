import type { Closers } from "./closers.ts";
import { startRelay, type Relay } from "./relay.ts";
import type { ServiceName } from "./service-name.ts";

/** The servers that services connect to, by the variable that tells them where. */
const SERVERS = { DATABASE_URL: "postgresql", REDIS_URL: "redis", TWILIO_API_BASE_URL: "twilio" } as const;

/** Which services speak to which server. */
const CLIENTS: Readonly<Record<(typeof SERVERS)[keyof typeof SERVERS], readonly ServiceName[]>> = {
  postgresql: ["dispatch", "sender", "webhook-ingest", "status-query"],
  redis: ["dispatch", "sender", "webhook-ingest"],
  twilio: ["sender", "webhook-ingest"],
};

/** The stretch of network between one replica of a service and one server. */
export interface StackRelay {
  readonly service: ServiceName;
  readonly replica: number;
  readonly server: (typeof SERVERS)[keyof typeof SERVERS];
  readonly relay: Relay;
}

type Env = Readonly<Record<string, string>>;

/** Relays on the way of one stack, laid as its services start. */
export function createStackRelays(closers: Closers) {
  const relays: StackRelay[] = [];
  return {
    relays: relays as readonly StackRelay[],
    /** The same configuration, with a relay of its own before each server that this replica speaks to. */
    async lay(service: ServiceName, replica: number, env: Env): Promise<Env> {
      const laid: Record<string, string> = { ...env };
      for (const [variable, server] of Object.entries(SERVERS)) {
        const given = env[variable];
        if (given === undefined || !CLIENTS[server].includes(service)) continue;
        const url = new URL(given);
        const target = Number(url.port);
        const relay = await startRelay(() => [target]);
        closers.add(() => relay.close());
        relays.push({ service, replica, server, relay });
        url.port = `${relay.port}`;
        // A base URL without a path stays without one.
        laid[variable] = given.endsWith("/") ? url.href : url.href.replace(/\/$/, "");
      }
      return laid;
    },
  };
}
