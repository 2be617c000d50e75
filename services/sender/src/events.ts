import { statusName, type ErrorScope, type SendOutcome } from "@wahub/domain";
import { createSparing, type Logger, type Metrics } from "@wahub/platform";
import { MessageStatus } from "@wahub/proto";
import type { Durability, SpoolSize } from "@wahub/spool";
import type { AttemptOutcome, OutcomeFate } from "@wahub/store";
import type { Act } from "./acts-of.ts";
import type { Recorded } from "./record-outcome.ts";

export type SenderEvents = ReturnType<typeof createSenderEvents>;

/** An outage concerns every job in hand: at most one line per kind of trouble in this time. */
const lineEveryMs = 10_000;

/** What happens in this service, one function per event: counter and log line together. */
export function createSenderEvents(log: Logger, metrics: Metrics) {
  const attempts = metrics.counter({
    name: "whatsapphub_attempts_total",
    help: "Attempts to send a message by how they ended, with Twilio's error code (0 for none).",
    labels: ["outcome", "code"],
  });
  const deferrals = metrics.counter({
    name: "whatsapphub_deferrals_total",
    help: "Messages put back because of a rate limit, by the limit.",
    labels: ["limit"],
  });
  const putBacks = metrics.counter({
    name: "whatsapphub_jobs_put_back_total",
    help: "Messages put back before they were sent because Redis or PostgreSQL did not answer.",
    labels: ["away"],
  });
  const refused = metrics.counter({
    name: "whatsapphub_claims_refused_total",
    help: "Jobs whose message was no longer theirs to send: done already, moved on, or not to be sent now.",
  });
  const stale = metrics.counter({
    name: "whatsapphub_outcomes_stale_total",
    help: "Outcomes that came after the claim had been taken away.",
  });
  const duplicates = metrics.counter({
    name: "whatsapphub_duplicate_sends_total",
    help: "Messages that Twilio turned out to have taken once more. Worth an alert.",
  });
  const failures = metrics.counter({
    name: "whatsapphub_jobs_failed_total",
    help: "Jobs that ended with an error of ours. Their messages are offered again or become unknown.",
  });

  const queueErrors = metrics.counter({
    name: "whatsapphub_queue_errors_total",
    help: "Times the queue could not reach Redis.",
  });
  const unknownCodes = metrics.counter({
    name: "whatsapphub_unknown_error_codes_total",
    help: "Refusals with a code that the error table lacks; treated as permanent. Worth an alert.",
  });
  const pauses = metrics.counter({
    name: "whatsapphub_pauses_total",
    help: "Accounts, senders and batches paused, and messages to countries that are not allowed, with Twilio's code (0 for none).",
    labels: ["scope", "code"],
  });
  const slowdowns = metrics.counter({
    name: "whatsapphub_slowdowns_total",
    help: "Times an account or sender was slowed down because Twilio said `too fast`.",
    labels: ["scope"],
  });
  const probes = metrics.counter({
    name: "whatsapphub_probes_total",
    help: "Messages that tried for a paused account or sender: got through, so that it goes on, or failed.",
    labels: ["scope", "result"],
  });
  const actFailures = metrics.counter({
    name: "whatsapphub_acts_failed_total",
    help: "Times something was to be paused, slowed down or resumed and PostgreSQL did not take it.",
    labels: ["act"],
  });
  const spooled = metrics.counter({
    name: "whatsapphub_outcomes_spooled_total",
    help: "Outcomes that went into the spool because PostgreSQL did not take them.",
  });
  const drained = metrics.counter({
    name: "whatsapphub_outcomes_drained_total",
    help: "Outcomes written from the spool into PostgreSQL, by what they turned out to be.",
    labels: ["fate"],
  });
  const lost = metrics.counter({
    name: "whatsapphub_outcomes_lost_total",
    help: "Outcomes that could be written nowhere. Their messages become unknown; the log has the SIDs.",
  });
  const spoolEntries = metrics.gauge({
    name: "whatsapphub_spool_entries",
    help: "Outcomes in the spool; not 0 for long only while PostgreSQL is away.",
  });
  const spoolAside = metrics.gauge({
    name: "whatsapphub_spool_aside_entries",
    help: "Outcomes that could not be written in many tries and lie aside. Worth an alert.",
  });
  const spoolBytes = metrics.gauge({ name: "whatsapphub_spool_bytes", help: "Size of both." });
  const spoolAge = metrics.gauge({
    name: "whatsapphub_spool_oldest_age_seconds",
    help: "Age of the oldest outcome in the spool, 0 where there is none.",
  });
  const speak = createSparing(lineEveryMs);

  return {
    attemptEnded(facts: { messageId: string; attempt: number; outcome: SendOutcome; fate: Recorded }): void {
      const { outcome, messageId, attempt, fate } = facts;
      const code = "code" in outcome ? outcome.code : 0;
      attempts.inc({ outcome: outcome.kind, code: String(code) });
      if (fate === "stale") stale.inc();
      const line = { event: "attempt_ended", messageId, attempt, outcome: outcome.kind, code, fate };
      if (fate === "duplicate") {
        duplicates.inc();
        log.error({ ...line, event: "duplicate_send" }, "Twilio has taken this message once more");
      } else if (outcome.kind === "submitted") log.debug(line);
      else log.warn(line);
    },
    outcomeSpooled(err: unknown): void {
      spooled.inc();
      const unsaid = speak("spooled");
      if (unsaid !== undefined)
        log.warn({ event: "outcome_spooled", unsaid, err }, "PostgreSQL does not take it; Redis keeps it");
    },
    outcomeLost({ messageId, attempt, result }: AttemptOutcome, err: unknown): void {
      lost.inc();
      const outcome = statusName(result.status);
      // The SID is not personal, and the only trace of a message that Twilio has: people can mend the row with it.
      const sid = result.status === MessageStatus.SUBMITTED ? result.sid : undefined;
      log.error(
        { event: "outcome_lost", messageId, attempt, outcome, sid, err },
        "the outcome could be written nowhere",
      );
    },
    outcomesDrained(outcomes: readonly AttemptOutcome[], fates: readonly OutcomeFate[]): void {
      const counts: Record<string, number> = {};
      outcomes.forEach(({ messageId, attempt }, i) => {
        const fate = fates[i]!;
        counts[fate] = (counts[fate] ?? 0) + 1;
        drained.inc({ fate });
        if (fate !== "duplicate") return;
        duplicates.inc();
        log.error({ event: "duplicate_send", messageId, attempt }, "Twilio has taken this message once more");
      });
      log.info({ event: "outcomes_drained", ...counts }, "outcomes that waited in the spool are written");
    },
    factFailed(failure: { id: string; error: unknown; setAside: boolean }): void {
      const line = {
        event: "spooled_outcome_failed",
        entry: failure.id,
        setAside: failure.setAside,
        err: failure.error,
      };
      if (failure.setAside) log.error(line, "an outcome cannot be written; it lies aside in the spool");
      else if (speak("fact") !== undefined) log.warn(line);
    },
    spoolFound(durability: Durability): void {
      const line = { event: "spool_found", durability };
      if (durability === "memory") log.warn(line, "Redis keeps the spool in memory only: it should keep an AOF");
      else log.info(line);
    },
    spoolSize(size: SpoolSize): void {
      spoolEntries.set(size.entries);
      spoolAside.set(size.aside);
      spoolBytes.set(size.bytes);
      spoolAge.set(size.oldestAgeMs / 1000);
    },
    unknownCode(code: number, httpStatus: number): void {
      unknownCodes.inc();
      log.error({ event: "unknown_error_code", code, httpStatus }, "Twilio refused with a code the error table lacks");
    },
    deferred(limit: "sender" | "recipient"): void {
      deferrals.inc({ limit });
    },
    putBack(away: "redis" | "database"): void {
      putBacks.inc({ away });
      const unsaid = speak(away);
      if (unsaid !== undefined) log.warn({ event: "job_put_back", away, unsaid }, "not sent yet; its turn comes again");
    },
    paused(facts: { scope: ErrorScope; id: string; code: number; reason: string }): void {
      pauses.inc({ scope: facts.scope, code: String(facts.code) });
      log.error({ event: "paused", ...pick(facts), code: facts.code, reason: facts.reason }, `${facts.scope} paused`);
    },
    countryRefused(code: number): void {
      pauses.inc({ scope: "country", code: String(code) });
      const unsaid = speak("country");
      if (unsaid !== undefined) log.warn({ event: "country_refused", code, unsaid }, "the message waits an hour");
    },
    slowed(facts: { scope: ErrorScope; id: string; pace: number; holdUntil: Date }): void {
      slowdowns.inc({ scope: facts.scope });
      const { pace, holdUntil } = facts;
      const unsaid = speak(`slowed ${facts.id}`);
      if (unsaid !== undefined) log.warn({ event: "slowed", ...pick(facts), pace, holdUntil, unsaid }, "too fast");
    },
    resumed(facts: { scope: ErrorScope; id: string }): void {
      probes.inc({ scope: facts.scope, result: "passed" });
      log.info({ event: "resumed", ...pick(facts) }, `a message got through: the ${facts.scope} goes on`);
    },
    probeFailed(facts: { scope: ErrorScope; id: string; nextAt: Date }): void {
      probes.inc({ scope: facts.scope, result: "failed" });
      log.warn({ event: "probe_failed", ...pick(facts), nextAt: facts.nextAt }, `the ${facts.scope} stays paused`);
    },
    actFailed(act: Act["do"], err: unknown): void {
      actFailures.inc({ act });
      const unsaid = speak(`act ${act}`);
      if (unsaid !== undefined) log.error({ event: "act_failed", act, unsaid, err }, "left to the next message");
    },
    claimRefused(): void {
      refused.inc();
    },
    jobFailed(err: unknown, jobId: string): void {
      failures.inc();
      log.error({ event: "job_failed", jobId, err }, "a job failed");
    },
    queueTrouble(err: unknown): void {
      queueErrors.inc();
      const unsaid = speak("queue");
      if (unsaid !== undefined) log.warn({ event: "queue_trouble", unsaid, err }, "Redis does not answer the queue");
    },
  };
}

function pick({ scope, id }: { scope: ErrorScope; id: string }) {
  return { scope, id };
}
