import type { ServiceProcess } from "./child-service.ts";
import { allStarted } from "./closers.ts";
import type { ServiceName } from "./service-name.ts";

type Env = Readonly<Record<string, string>>;

/** Starts one process of a service; `env` is its configuration on the port it is given. */
export type StartReplica = (name: ServiceName, replica: number, env: (port: number) => Env) => Promise<ServiceProcess>;

export type Fleet = Readonly<Record<ServiceName, readonly ServiceProcess[]>>;

export interface FleetOptions {
  readonly start: StartReplica;
  readonly replicas: Partial<Record<ServiceName, number>>;
  /** Where Twilio's callbacks go; without it they go to the one webhook-ingest. */
  readonly webhookUrl?: string | undefined;
}

/** Starts every replica of every service, those that nobody depends on side by side. */
export async function startFleet({ start, replicas, webhookUrl }: FleetOptions): Promise<Fleet> {
  const all = (name: ServiceName, env: (port: number) => Env): Promise<ServiceProcess[]> =>
    allStarted(Array.from({ length: replicas[name] ?? 1 }, (_, replica) => start(name, replica, env)));

  const ingests = all("webhook-ingest", (port) => ({
    HTTP_PORT: `${port}`,
    PUBLIC_WEBHOOK_URL: webhookUrl ?? `http://127.0.0.1:${port}`,
  }));
  const dispatches = all("dispatch", (port) => ({ GRPC_PORT: `${port}` }));
  const statusQueries = all("status-query", (port) => ({ GRPC_PORT: `${port}` }));
  const senders = ingests.then(([first]) =>
    all("sender", () => ({ PUBLIC_WEBHOOK_URL: webhookUrl ?? `http://127.0.0.1:${first!.ports["http"]}` })),
  );
  const gateways = Promise.all([dispatches, statusQueries]).then(([dispatch, statusQuery]) =>
    all("gateway", (port) => ({
      HTTP_PORT: `${port}`,
      DISPATCH_URL: grpcTarget(dispatch),
      STATUS_QUERY_URL: grpcTarget(statusQuery),
    })),
  );
  const [gateway, dispatch, sender, ingest, statusQuery] = await allStarted([
    gateways,
    dispatches,
    senders,
    ingests,
    statusQueries,
  ]);
  return { gateway, dispatch, sender, "webhook-ingest": ingest, "status-query": statusQuery };
}

/** The address that a gRPC client spreads its calls from over all of them. */
export function grpcTarget(replicas: readonly ServiceProcess[]): string {
  const addresses = replicas.map(({ ports }) => `127.0.0.1:${ports["grpc"]}`);
  return addresses.length === 1 ? addresses[0]! : `ipv4:${addresses.join(",")}`;
}
