import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HubError, type MessageProvider } from "@wahub/domain";
import type { RateLimiter } from "@wahub/limits";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { MessageStatus } from "@wahub/proto";
import type { AttemptOutcome, Claim, ClaimRequest, Deferral, GroupCommit, OutcomeFate } from "@wahub/store";
import type { ActOnOutcome } from "./act-on-outcome.ts";
import { textOf } from "./content-text.ts";
import type { SenderEvents } from "./events.ts";
import { outcomeToRecord, type WaitPolicy } from "./outcome-to-record.ts";

export interface SendMessageDeps {
  readonly limiter: RateLimiter;
  readonly provider: MessageProvider;
  readonly claims: GroupCommit<ClaimRequest, Claim | undefined>;
  readonly deferrals: GroupCommit<Deferral, boolean>;
  readonly outcomes: GroupCommit<AttemptOutcome, OutcomeFate>;
  readonly actOnOutcome: ActOnOutcome;
  readonly events: SenderEvents;
  readonly now: () => Date;
  readonly random: () => number;
  readonly policy: WaitPolicy;
  /** A longer wait for the limiter goes back to PostgreSQL instead of holding a place here. */
  readonly maxHoldMs: number;
  /** From before the claim to the latest start of the request. With the request's timeout it stays below the lease. */
  readonly sendWindowMs: number;
  /** How long something is tried to be written while PostgreSQL is away. */
  readonly recordForMs: number;
}

/** When a message is planned again whose limits could not be asked for. */
const limiterAwayMs = 1_000;

/**
 * Makes one attempt to send one message, in this order: a place here (the worker's concurrency is the number of
 * connections to Twilio), the limiter's leave, the claim, the request. Nothing waits after the claim. Where Redis or
 * PostgreSQL does not answer before the request, the message goes back.
 */
export function createSendMessage(deps: SendMessageDeps) {
  return async (job: SendMessageJob): Promise<void> => {
    const { tenantId, messageId, attempt } = job;
    const turn = await ifAvailable(
      deps.limiter.acquire({
        senderId: job.senderId,
        messagesPerSecond: job.messagesPerSecond,
        recipientHash: Buffer.from(job.recipientHash).toString("base64url"),
        maxWaitMs: deps.maxHoldMs,
      }),
    );
    if (!turn) {
      const nextAt = new Date(deps.now().getTime() + limiterAwayMs);
      await insist(deps, () => deps.deferrals.submit({ tenantId, messageId, attempt, nextAt }));
      deps.events.putBack("redis");
      return;
    }
    if (!turn.granted) {
      const nextAt = new Date(deps.now().getTime() + turn.waitMs);
      await insist(deps, () => deps.deferrals.submit({ tenantId, messageId, attempt, nextAt }));
      deps.events.deferred(turn.limitedBy);
      return;
    }
    if (turn.waitMs > 0) await sleep(turn.waitMs);

    const sendBy = performance.now() + deps.sendWindowMs;
    const token = randomUUID();
    const answer = await ifAvailable(
      deps.claims.submit({ tenantId, messageId, attempt, token }).then((claim) => ({ claim })),
    );
    if (!answer) {
      await giveBack(deps, { tenantId, messageId, attempt, token });
      deps.events.putBack("database");
      return;
    }
    const { claim } = answer;
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
        validityS: claim.validityS,
      },
      sendBy,
    );
    await deps.actOnOutcome(claim, outcome);
    const result = outcomeToRecord(outcome, {
      triesSpent: claim.triesSpent,
      now: deps.now(),
      random: deps.random(),
      policy: deps.policy,
    });
    // Given up when the lease is over: then the message is unknown.
    const fate = await insist(deps, () => deps.outcomes.submit({ tenantId, messageId, attempt, token, result }));
    deps.events.attemptEnded({ messageId, attempt, outcome, fate });
  };
}

/**
 * Gives a message back whose claim was not answered: it may have been granted all the same. Nothing has been sent, so the
 * message is to be planned anew at once, whichever it was.
 */
async function giveBack(deps: SendMessageDeps, claim: Omit<AttemptOutcome, "result">): Promise<void> {
  const nextAt = deps.now();
  const result = {
    status: MessageStatus.ACCEPTED,
    nextAt,
    spendsTry: false,
    errorCode: 0,
    errorMessage: "claim_unanswered",
  } as const;
  const giveUpClaim = async (): Promise<boolean> =>
    (await insist(deps, () => deps.outcomes.submit({ ...claim, result }))) !== "stale";
  if (await giveUpClaim()) return;
  if (await insist(deps, () => deps.deferrals.submit({ ...claim, nextAt }))) return;
  // The claim may have been committing all the while; the deferral has waited for its row, so now it shows.
  await giveUpClaim();
}

/**
 * Writes; while PostgreSQL is away, again and again. The place here stays taken meanwhile, so that no more jobs are
 * taken from Redis than can be handled.
 */
async function insist<T>(deps: SendMessageDeps, write: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + deps.recordForMs;
  for (let waitMs = 50; ; waitMs = Math.min(2 * waitMs, 2_000)) {
    try {
      return await write();
    } catch (error) {
      if (!isUnavailable(error) || performance.now() + waitMs > giveUpAt) throw error;
      await sleep(waitMs);
    }
  }
}

/** Undefined where the other side is away. */
async function ifAvailable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isUnavailable(error)) return undefined;
    throw error;
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof HubError && error.kind === "unavailable";
}
