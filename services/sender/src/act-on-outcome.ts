import type { SendOutcome } from "@wahub/domain";
import {
  failProbe,
  passProbe,
  pauseBatch,
  pauseSending,
  slowSending,
  type Claim,
  type ProbeWaits,
  type ScopeId,
  type SendingScope,
  type Store,
} from "@wahub/store";
import { actsOf, type Act } from "./acts-of.ts";
import { createBreaker } from "./breaker.ts";
import type { SenderEvents } from "./events.ts";

export interface ActPolicy {
  /** How long a paused account or sender waits before one message tries. */
  readonly probeWaits: ProbeWaits;
  /** How long one that is too fast rests, at full speed, where Twilio does not say. */
  readonly restMs: number;
  /** How long its speed takes to come back; the planner counts with the same. */
  readonly paceRecoveryMs: number;
  /** So many requests of an account in a row without an answer pause it. */
  readonly breakerUnknowns: number;
}

export type ActOnOutcome = (claim: Claim, outcome: SendOutcome) => Promise<void>;

/**
 * Does what an outcome asks for beyond its own message: pauses, slows down, resumes. Comes before the outcome is
 * recorded, so that a message that goes back finds the gate closed. Never throws: where PostgreSQL is away nothing is
 * done, and the next message finds the same out again.
 */
export function createActOnOutcome(deps: {
  readonly store: Store;
  readonly events: SenderEvents;
  readonly now: () => Date;
  readonly random: () => number;
  readonly policy: ActPolicy;
}): ActOnOutcome {
  const { store, events, now, random, policy } = deps;
  const breaker = createBreaker(policy.breakerUnknowns);
  const underWay = new Map<string, Promise<void>>();

  async function pause(claim: Claim, { scope, code, reason }: Extract<Act, { do: "pause" }>): Promise<void> {
    const facts = { code, reason, now: now() };
    const { tenantId, batchId } = claim;
    if (scope === "batch") {
      const change = await pauseBatch(store.pool, tenantId, batchId, facts);
      if (change?.changed) events.paused({ scope, id: batchId, code, reason });
      return;
    }
    const target = targetOf(claim, scope);
    const waits = policy.probeWaits;
    if (await pauseSending(store.pool, target, { ...facts, waits })) events.paused({ ...target, code, reason });
  }

  async function slow(claim: Claim, { scope, retryAfterMs }: Extract<Act, { do: "slow" }>): Promise<void> {
    const target = targetOf(claim, scope);
    const slowed = await slowSending(store.pool, target, {
      now: now(),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      restMs: policy.restMs * (0.5 + random()),
      recoveryMs: policy.paceRecoveryMs,
    });
    if (slowed) events.slowed({ ...target, ...slowed });
  }

  async function judge(claim: Claim, act: Extract<Act, { do: "pass" | "fail" }>): Promise<void> {
    const target = targetOf(claim, act.scope);
    const { messageId } = claim;
    if (act.do === "pass") {
      if (await passProbe(store.pool, target, { messageId, now: now() })) events.resumed(target);
      return;
    }
    const { lengthen, trouble } = act;
    const probe = { messageId, lengthen, ...(trouble && { trouble }), now: now(), waits: policy.probeWaits };
    const nextAt = await failProbe(store.pool, target, probe);
    if (nextAt) events.probeFailed({ ...target, nextAt });
  }

  /** Many messages in hand report the same at once: while one report is being written, the others wait for it. */
  function once(key: string, report: () => Promise<void>): Promise<void> {
    const written = underWay.get(key) ?? report().finally(() => underWay.delete(key));
    underWay.set(key, written);
    return written;
  }

  async function perform(claim: Claim, act: Act): Promise<void> {
    switch (act.do) {
      case "pause":
      case "slow":
        return once(`${act.do} ${targetId(claim, act.scope)}`, () =>
          act.do === "pause" ? pause(claim, act) : slow(claim, act),
        );
      case "pass":
      case "fail":
        return judge(claim, act);
      case "tell_country":
        return events.countryRefused(act.code);
    }
  }

  return async (claim, outcome) => {
    for (const act of actsOf(outcome, claim.triesFor, breaker.isRun(claim.accountId, outcome))) {
      await perform(claim, act).catch((error: unknown) => events.actFailed(act.do, error));
    }
  };
}

function targetOf(claim: Claim, scope: SendingScope): ScopeId {
  return { scope, tenantId: claim.tenantId, id: targetId(claim, scope) };
}

function targetId(claim: Claim, scope: SendingScope | "batch"): string {
  return { account: claim.accountId, sender: claim.senderId, batch: claim.batchId }[scope];
}
