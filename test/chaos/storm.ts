import { setTimeout as sleep } from "node:timers/promises";
import { flushRedis, type Relay, type Stack } from "@wahub/stack";
import { turnKnobs } from "../e2e/ledger.ts";
import type { Blow, PlannedBlow } from "./blows.ts";

/** What was done, and what came of it. */
export interface Struck {
  readonly atMs: number;
  readonly blow: Blow;
  /** "done", or why it was not. */
  readonly outcome: string;
}

export interface StormDeps {
  readonly stack: Stack;
  /** The knobs of the storm's weather, to which a spell returns. */
  readonly weather: Readonly<Record<string, number>>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** In this time a sender has asked for some claims. */
const HOLD_ANSWERS_MS = 400;

/** Lets the planned blows fall at their times, side by side; resolves when the last one is over and undone. */
export async function storm(plan: readonly PlannedBlow[], deps: StormDeps): Promise<readonly Struck[]> {
  const startedAt = performance.now();
  const down = { postgres: false, redis: false };
  return Promise.all(
    plan.map(async ({ atMs, blow }): Promise<Struck> => {
      await sleep(Math.max(0, startedAt + atMs - performance.now()), undefined, { signal: deps.signal });
      const outcome = await strike(blow, deps, down).catch((error: unknown) => `failed: ${String(error)}`);
      deps.say(`${describe(blow)}${outcome === "done" ? "" : `: ${outcome}`}`);
      return { atMs, blow, outcome };
    }),
  );
}

/** A blow in a few words. */
export function describe(blow: Blow): string {
  const { kind } = blow;
  return [
    kind,
    "service" in blow ? `${blow.service} ${blow.replica + 1}` : "",
    "server" in blow ? `from ${blow.server}` : "",
    "midClaim" in blow && blow.midClaim ? "in the middle of claims" : "",
    "what" in blow ? blow.what : "",
    "forMs" in blow ? `for ${blow.forMs} ms` : "",
  ]
    .filter((word) => word !== "")
    .join(" ");
}

async function strike(
  blow: Blow,
  { stack, weather, signal }: StormDeps,
  down: { postgres: boolean; redis: boolean },
): Promise<string> {
  const until = async (forMs: number, undo: () => unknown): Promise<string> => {
    try {
      await sleep(forMs, undefined, { signal });
    } finally {
      await undo();
    }
    return "done";
  };
  switch (blow.kind) {
    case "kill": {
      const service = stack.service(blow.service, blow.replica);
      if (!service.running) return "it was away already";
      // Nobody is told that this was meant: it is started again like after any crash.
      service.signal("SIGKILL");
      return "done";
    }
    case "terminate": {
      const service = stack.service(blow.service, blow.replica);
      if (!service.running) return "it was away already";
      await service.restart();
      return "done";
    }
    case "freeze": {
      const service = stack.service(blow.service, blow.replica);
      if (!service.running) return "it was away already";
      if (blow.midClaim) await holdAnswers(blow, () => service.signal("SIGSTOP"));
      else service.signal("SIGSTOP");
      return until(blow.forMs, () => service.signal("SIGCONT"));
    }
    case "redis_flush":
      if (down.redis) return "Redis was away already";
      await flushRedis(stack.urls.redisUrl);
      return "done";
    case "redis_kill":
      return outage(stack.redis!, "redis", blow.forMs);
    case "postgresql_kill":
      return outage(stack.postgres!, "postgres", blow.forMs);
    case "cut":
      find(blow).cut();
      return "done";
    case "refuse": {
      const relay = find(blow);
      await relay.close();
      return until(blow.forMs, () => relay.restore());
    }
    case "stall": {
      const relay = find(blow);
      relay.stall();
      return until(blow.forMs, () => relay.restore());
    }
    case "webhooks_refuse":
      await stack.webhookRelay!.close();
      return until(blow.forMs, () => stack.webhookRelay!.restore());
    case "twilio": {
      const before = Object.fromEntries(Object.keys(blow.knobs).map((name) => [name, weather[name] ?? 0]));
      await turnKnobs(stack, blow.knobs);
      return until(blow.forMs, () => turnKnobs(stack, before));
    }
  }

  async function outage(
    server: NonNullable<Stack["postgres"]>,
    name: keyof typeof down,
    forMs: number,
  ): Promise<string> {
    if (down[name]) return "it was away already";
    down[name] = true;
    await server.kill();
    return until(forMs, async () => {
      await server.start();
      down[name] = false;
    });
  }

  /** What the sender asks PostgreSQL for is held up, it stops, and then all of it is done and answered. */
  async function holdAnswers(target: { service: string; replica: number }, stop: () => void): Promise<void> {
    const relay = find({ ...target, server: "postgresql" });
    relay.stall();
    await sleep(HOLD_ANSWERS_MS, undefined, { signal }).finally(() => {
      stop();
      void relay.restore();
    });
  }

  function find({ service, replica, server }: { service: string; replica: number; server: string }): Relay {
    const found = stack.relays.find(
      (one) => one.service === service && one.replica === replica && one.server === server,
    );
    if (found === undefined) throw new Error(`there is no relay between ${service} ${replica} and ${server}`);
    return found.relay;
  }
}
