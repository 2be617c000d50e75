import type { ServiceName } from "@wahub/stack";
import { createRandom, type Random } from "../e2e/fuzz/random.ts";

/** How many processes of each service the storm falls upon. */
export const REPLICAS = {
  gateway: 2,
  dispatch: 2,
  sender: 3,
  "webhook-ingest": 2,
  "status-query": 2,
} as const satisfies Record<ServiceName, number>;

type Server = "postgresql" | "redis" | "twilio";

interface Target {
  readonly service: ServiceName;
  readonly replica: number;
}

/** One thing that is done to the system. Durations are how long it stays that way. */
export type Blow =
  /** kill -9; it is started again after a moment. */
  | ({ readonly kind: "kill" } & Target)
  /** SIGTERM and a new start, as in a deployment. */
  | ({ readonly kind: "terminate" } & Target)
  /** SIGSTOP, then SIGCONT; `midClaim` while answers of PostgreSQL to claims are on their way to it. */
  | ({ readonly kind: "freeze"; readonly forMs: number; readonly midClaim: boolean } & Target)
  | { readonly kind: "redis_kill"; readonly forMs: number }
  | { readonly kind: "redis_flush" }
  | { readonly kind: "postgresql_kill"; readonly forMs: number }
  /** Every connection of this replica to this server is reset. */
  | ({ readonly kind: "cut"; readonly server: Server } & Target)
  /** ... and new ones are refused. */
  | ({ readonly kind: "refuse"; readonly server: Server; readonly forMs: number } & Target)
  /** Nothing moves, and nobody is told. */
  | ({ readonly kind: "stall"; readonly server: Server; readonly forMs: number } & Target)
  /** Twilio's way to the webhooks is gone: callbacks are lost, as far as its retries do not help. */
  | { readonly kind: "webhooks_refuse"; readonly forMs: number }
  /** Knobs of the simulator, turned for a while. */
  | {
      readonly kind: "twilio";
      readonly what: string;
      readonly knobs: Readonly<Record<string, number>>;
      readonly forMs: number;
    };

export type BlowKind = Blow["kind"];

export interface PlannedBlow {
  readonly atMs: number;
  readonly blow: Blow;
}

/** What the plan has to know of the configuration. */
export interface StormFacts {
  readonly stormMs: number;
  /** A sender is frozen for longer than this ... */
  readonly leaseMs: number;
  /** ... or even for so long after a claim that its message may be on its way a second time. */
  readonly verdictMs: number;
  /** What is on its way to Twilio is held up for less than this: longer, and no list could tell that it still comes. */
  readonly stallTwilioMs: number;
}

/** A blow every so often on average; two may come at once. */
const MEAN_GAP_MS = 4_500;
const MIN_GAP_MS = 700;
/** The storm begins when the first messages are on their way. */
const FIRST_MS = 2_000;

/** How often each kind comes, in shares of the sum. */
const WEIGHTS: Readonly<Record<BlowKind, number>> = {
  kill: 26,
  terminate: 6,
  freeze: 14,
  redis_kill: 5,
  redis_flush: 7,
  postgresql_kill: 6,
  cut: 13,
  refuse: 6,
  stall: 8,
  webhooks_refuse: 3,
  twilio: 6,
};

const DATABASE_CLIENTS = ["dispatch", "sender", "webhook-ingest", "status-query"] as const;
const REDIS_CLIENTS = ["dispatch", "sender"] as const;
const TWILIO_CLIENTS = ["sender", "webhook-ingest"] as const;

/** Twilio as a whole is unwell for a while: everything at once would leave nothing to compare. */
const SPELLS: readonly { readonly what: string; readonly knobs: Readonly<Record<string, number>> }[] = [
  { what: "credentials_refused", knobs: { rate401: 0.9 } },
  { what: "daily_limit", knobs: { rate63038: 0.9 } },
  { what: "too_many_requests", knobs: { rate429: 0.6 } },
  { what: "list_down", knobs: { listRate500: 0.5, listRateReset: 0.4 } },
  { what: "list_hangs", knobs: { listRateHang: 0.9 } },
  { what: "queue_full", knobs: { senderPerSecond: 2, senderQueue: 3 } },
];

/** The blows of a storm in their order; a pure function of the seed. Each kind of the first round comes at least once. */
export function planStorm(seed: number, facts: StormFacts): readonly PlannedBlow[] {
  const when = createRandom(seed, "when");
  const what = createRandom(seed, "what");
  const blows: PlannedBlow[] = [];
  // No seed leaves out what matters most, however short the storm.
  const musts: BlowKind[] = ["kill", "freeze", "redis_flush", "postgresql_kill", "redis_kill"];
  let atMs = FIRST_MS;
  while (atMs < facts.stormMs) {
    const kind = musts.shift() ?? pickKind(what);
    blows.push({ atMs: Math.round(atMs), blow: makeBlow(kind, what, facts) });
    atMs += MIN_GAP_MS - Math.log(1 - when.below(10_000) / 10_000) * (MEAN_GAP_MS - MIN_GAP_MS);
  }
  return blows;
}

function pickKind(random: Random): BlowKind {
  const kinds = Object.keys(WEIGHTS) as BlowKind[];
  let left = random.below(Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0));
  return kinds.find((kind) => (left -= WEIGHTS[kind]) < 0)!;
}

function makeBlow(kind: BlowKind, random: Random, facts: StormFacts): Blow {
  switch (kind) {
    case "kill":
    case "terminate":
      // Every second one hits the sender: what it holds is what could be lost or doubled.
      return { kind, ...target(random, random.chance(0.5) ? ["sender"] : allServices()) };
    case "freeze": {
      if (!random.chance(0.7))
        return { kind, ...target(random, allServices()), forMs: 500 + random.below(4_000), midClaim: false };
      const pastMs = random.chance(0.5) ? facts.leaseMs : facts.verdictMs;
      const forMs = pastMs + 1_000 + random.below(2_000);
      return { kind, ...target(random, ["sender"]), forMs, midClaim: random.chance(0.6) };
    }
    case "redis_kill":
    case "postgresql_kill":
      return { kind, forMs: 200 + random.below(3_000) };
    case "redis_flush":
      return { kind };
    case "cut":
      return { kind, ...way(random) };
    case "refuse":
      return { kind, ...way(random), forMs: 500 + random.below(4_000) };
    case "stall": {
      const { server, ...whom } = way(random);
      const longestMs = server === "twilio" ? facts.stallTwilioMs : 6_000;
      return { kind, server, ...whom, forMs: 300 + random.below(longestMs - 300) };
    }
    case "webhooks_refuse":
      return { kind, forMs: 500 + random.below(3_000) };
    case "twilio":
      return { kind, ...random.pick(SPELLS), forMs: 1_000 + random.below(3_000) };
  }
}

function allServices(): readonly ServiceName[] {
  return Object.keys(REPLICAS) as ServiceName[];
}

function target(random: Random, services: readonly ServiceName[]): Target {
  const service = random.pick(services);
  return { service, replica: random.below(REPLICAS[service]) };
}

function way(random: Random): Target & { server: Server } {
  const server = random.pick(["postgresql", "redis", "twilio"] as const);
  const clients = { postgresql: DATABASE_CLIENTS, redis: REDIS_CLIENTS, twilio: TWILIO_CLIENTS }[server];
  return { server, ...target(random, clients) };
}
