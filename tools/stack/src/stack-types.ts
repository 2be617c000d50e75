import type { TwilioAccount } from "./account.ts";
import type { ServiceProcess } from "./child-service.ts";
import type { RestartableServer } from "./restartable-server.ts";
import type { Relay } from "./relay.ts";
import type { ServiceName } from "./service-name.ts";
import type { StackRelay } from "./stack-relays.ts";

export interface StackOptions {
  /** More configuration for a service or the simulator, on top of what the stack sets. */
  env?: Partial<Record<ServiceName | "sim", Readonly<Record<string, string>>>>;
  /** How many processes of each service. Default: one. Callbacks then go to any webhook-ingest that takes connections. */
  replicas?: Partial<Record<ServiceName, number>>;
  /** Every replica reaches PostgreSQL, Redis and the simulator through relays of its own, which can be broken. */
  relays?: boolean;
  /** A service that ends although nobody asked it to is started again after so long. Default: it stays away. */
  restartAfterMs?: number;
  /** PostgreSQL that survives a crash without losing a commit. Default: fast, for data nobody misses. */
  durable?: boolean;
  /** A database of your own, which must exist; it is migrated. Default: a PostgreSQL only for this stack. */
  databaseUrl?: string;
  /** A Redis of your own. Default: one only for this stack. */
  redisUrl?: string;
  /** Called with every line a service writes, besides its log file. */
  onLine?: (service: ServiceName | "sim", line: string) => void;
  /** Called when a service ends although nobody asked it to. */
  onUnexpectedEnd?: (reason: string) => void;
}

export interface StackUrls {
  /** Of the first replica; so are the admin ports. */
  readonly gateway: string;
  readonly webhookIngest: string;
  /** host:port, or a gRPC target that names all replicas. */
  readonly dispatchGrpc: string;
  /** The same. */
  readonly statusQueryGrpc: string;
  readonly sim: string;
  readonly admin: Readonly<Record<ServiceName, string>>;
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

export interface Stack {
  /** Where everything listens now; admin ports change when a service restarts, the others do not. */
  readonly urls: StackUrls;
  readonly apiKey: string;
  readonly twilio: TwilioAccount;
  readonly sim: ServiceProcess;
  /** PostgreSQL, to take it away and bring it back; not there where `databaseUrl` was given. */
  readonly postgres: RestartableServer | undefined;
  /** Redis, which comes back empty; not there where `redisUrl` was given. */
  readonly redis: RestartableServer | undefined;
  readonly logFolder: string;
  service(name: ServiceName, replica?: number): ServiceProcess;
  /** Every process of the service. */
  replicas(name: ServiceName): readonly ServiceProcess[];
  /** What lies between the services and their servers; empty without the option. */
  readonly relays: readonly StackRelay[];
  /** What callbacks come through when there are several webhook-ingests. */
  readonly webhookRelay: Relay | undefined;
  /** Stops everything, the last started first. */
  stop(): Promise<void>;
}
