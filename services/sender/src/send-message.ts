import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageProvider, SendOutcome } from "@wahub/domain";
import type { RateLimiter, UnusedTurn } from "@wahub/limits";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { MessageStatus } from "@wahub/proto";
import type { ClaimRequest, Deferral, GroupCommit } from "@wahub/store";
import type { ActOnOutcome } from "./act-on-outcome.ts";
import { claimInTime, type ClaimInTimeDeps } from "./claim-in-time.ts";
import { textOf } from "./content-text.ts";
import type { SenderEvents } from "./events.ts";
import { outcomeToRecord, type WaitPolicy } from "./outcome-to-record.ts";
import type { RecordOutcome } from "./record-outcome.ts";
import { ifAvailable, isUnavailable } from "./unavailable.ts";

export interface SendMessageDeps extends ClaimInTimeDeps {
  readonly limiter: RateLimiter;
  readonly provider: MessageProvider;
  readonly deferrals: GroupCommit<Deferral, boolean>;
  readonly actOnOutcome: ActOnOutcome;
  readonly recordOutcome: RecordOutcome;
  readonly events: SenderEvents;
  readonly now: () => Date;
  readonly random: () => number;
  readonly policy: WaitPolicy;
  /** A longer wait for the limiter goes back to PostgreSQL instead of holding a place here. */
  readonly maxHoldMs: number;
  /** From before the claim to the latest start of the request. With the request's timeout it stays below the lease. */
  readonly sendWindowMs: number;
  /** How long it is tried to put a message back while PostgreSQL is away; afterwards the planner finds it by itself. */
  readonly deferForMs: number;
}

/** When a message is planned again whose limits could not be asked for. */
const limiterAwayMs = 1_000;

/**
 * Makes one attempt to send one message, in this order: a place here (the worker's concurrency is the number of
 * connections to Twilio), the limiter's leave, the claim, the request. Nothing waits after the claim. Where Redis or
 * PostgreSQL does not answer before the request, the message goes back.
 *
 * The second argument is aborted when this process is told to stop: what waits for PostgreSQL then stops waiting.
 */
export function createSendMessage(deps: SendMessageDeps) {
  return async (job: SendMessageJob, signal: AbortSignal): Promise<void> => {
    const { tenantId, messageId, attempt } = job;
    const recipientHash = Buffer.from(job.recipientHash).toString("base64url");
    const { senderId, messagesPerSecond } = job;
    const turn = await ifAvailable(
      deps.limiter.acquire({ senderId, messagesPerSecond, recipientHash, maxWaitMs: deps.maxHoldMs }),
    );
    if (!turn?.granted) {
      const nextAt = new Date(deps.now().getTime() + (turn?.waitMs ?? limiterAwayMs));
      await defer(deps, { tenantId, messageId, attempt, nextAt }, signal);
      if (turn) deps.events.deferred(turn.limitedBy);
      else deps.events.putBack("redis");
      return;
    }
    if (turn.waitMs > 0) await sleep(turn.waitMs);
    const unused = { recipientHash, grantedAt: turn.grantedAt };

    const sendBy = performance.now() + deps.sendWindowMs;
    const request = { tenantId, messageId, attempt, token: randomUUID() };
    const claim = await claimInTime(deps, request, { sendBy, signal });
    if (claim === "refused") {
      await release(deps, unused);
      deps.events.claimRefused();
      return;
    }
    if (claim === "unanswered") {
      await release(deps, unused);
      await giveBack(deps, request, signal);
      deps.events.putBack("database");
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
    // Before the outcome is written: from then on the message may ask for its next turn.
    if (mayComeAgain(outcome)) await release(deps, unused);
    const result = outcomeToRecord(outcome, {
      triesSpent: claim.triesSpent,
      now: deps.now(),
      random: deps.random(),
      policy: deps.policy,
    });
    const fate = await deps.recordOutcome({ ...request, result }, signal);
    deps.events.attemptEnded({ messageId, attempt, outcome, fate });
  };
}

/** Twilio certainly did not take the message, and it is not the message's fault. */
function mayComeAgain(outcome: SendOutcome): boolean {
  const { kind } = outcome;
  return kind === "throttled" || kind === "paused" || kind === "transient" || kind === "unreachable";
}

/** Gives the recipient's turn back. Where Redis is away it is lost; the recipient may get one message less this hour. */
async function release(deps: SendMessageDeps, turn: UnusedTurn): Promise<void> {
  await ifAvailable(deps.limiter.release(turn));
}

/**
 * Gives a message back whose claim was not answered: it may have been granted all the same. Nothing has been sent, so the
 * message is to be planned anew at once, whichever it was. Where the spool keeps this, the message comes again when
 * PostgreSQL hears of it, or, if the claim was not granted, when the planner misses it.
 */
async function giveBack(deps: SendMessageDeps, claim: ClaimRequest, signal: AbortSignal): Promise<void> {
  const nextAt = deps.now();
  const result = {
    status: MessageStatus.ACCEPTED,
    nextAt,
    spendsTry: false,
    errorCode: 0,
    errorMessage: "claim_unanswered",
  } as const;
  if ((await deps.recordOutcome({ ...claim, result }, signal)) !== "stale") return;
  if (await defer(deps, { ...claim, nextAt }, signal)) return;
  // The claim may have been committing all the while; the deferral has waited for its row, so now it shows.
  await deps.recordOutcome({ ...claim, result }, signal);
}

/**
 * Puts a queued message back; while PostgreSQL is away, again and again. The place here stays taken meanwhile, so that no
 * more jobs are taken from Redis than can be handled. What is given up stays queued, and the planner offers it again.
 */
async function defer(deps: SendMessageDeps, deferral: Deferral, signal: AbortSignal): Promise<boolean> {
  const giveUpAt = performance.now() + deps.deferForMs;
  for (let waitMs = 50; ; waitMs = Math.min(2 * waitMs, 2_000)) {
    try {
      return await deps.deferrals.submit(deferral);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (signal.aborted || performance.now() + waitMs > giveUpAt) return false;
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
