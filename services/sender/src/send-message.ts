import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HubError, type MessageProvider } from "@wahub/domain";
import type { RateLimiter } from "@wahub/limits";
import type { SendMessageJob } from "@wahub/proto/jobs";
import type { AttemptOutcome, Claim, ClaimRequest, Deferral, GroupCommit } from "@wahub/store";
import { textOf } from "./content-text.ts";
import type { SenderEvents } from "./events.ts";
import { outcomeToRecord, type WaitPolicy } from "./outcome-to-record.ts";

export interface SendMessageDeps {
  readonly limiter: RateLimiter;
  readonly provider: MessageProvider;
  readonly claims: GroupCommit<ClaimRequest, Claim | undefined>;
  readonly deferrals: GroupCommit<Deferral, boolean>;
  readonly outcomes: GroupCommit<AttemptOutcome, boolean>;
  readonly events: SenderEvents;
  readonly now: () => Date;
  readonly random: () => number;
  readonly policy: WaitPolicy;
  /** A longer wait for the limiter goes back to PostgreSQL instead of holding a place here. */
  readonly maxHoldMs: number;
  /** From before the claim to the latest start of the request. With the request's timeout it stays below the lease. */
  readonly sendWindowMs: number;
  /** How long an outcome is tried to be written while PostgreSQL is away. */
  readonly recordForMs: number;
}

/**
 * Makes one attempt to send one message, in this order: a place here (the worker's concurrency is the number of
 * connections to Twilio), the limiter's leave, the claim, the request. Nothing waits after the claim.
 */
export function createSendMessage(deps: SendMessageDeps) {
  return async (job: SendMessageJob): Promise<void> => {
    const { tenantId, messageId, attempt } = job;
    const turn = await deps.limiter.acquire({
      senderId: job.senderId,
      messagesPerSecond: job.messagesPerSecond,
      recipientHash: Buffer.from(job.recipientHash).toString("base64url"),
      maxWaitMs: deps.maxHoldMs,
    });
    if (!turn.granted) {
      const nextAt = new Date(deps.now().getTime() + turn.waitMs);
      await deps.deferrals.submit({ tenantId, messageId, attempt, nextAt });
      deps.events.deferred(turn.limitedBy);
      return;
    }
    if (turn.waitMs > 0) await sleep(turn.waitMs);

    const sendBy = performance.now() + deps.sendWindowMs;
    const claim = await deps.claims.submit({ tenantId, messageId, attempt, token: randomUUID() });
    if (!claim) {
      deps.events.claimRefused();
      return;
    }
    const outcome = await deps.provider.send(
      {
        messageId,
        attempt,
        accountSid: claim.accountSid,
        from: claim.senderPhone,
        to: claim.recipient,
        body: textOf(claim.content),
      },
      sendBy,
    );
    const result = outcomeToRecord(outcome, {
      triesSpent: claim.triesSpent,
      now: deps.now(),
      random: deps.random(),
      policy: deps.policy,
    });
    const applied = await record(deps, { tenantId, messageId, attempt, token: claim.token, result });
    deps.events.attemptEnded({ messageId, attempt, outcome, applied });
  };
}

/** Writes the outcome; while PostgreSQL is away, again and again. After that the lease runs out and it is unknown. */
async function record(deps: SendMessageDeps, outcome: AttemptOutcome): Promise<boolean> {
  const giveUpAt = performance.now() + deps.recordForMs;
  for (let waitMs = 50; ; waitMs = Math.min(2 * waitMs, 2_000)) {
    try {
      return await deps.outcomes.submit(outcome);
    } catch (error) {
      const away = error instanceof HubError && error.kind === "unavailable";
      if (!away || performance.now() + waitMs > giveUpAt) throw error;
      await sleep(waitMs);
    }
  }
}
