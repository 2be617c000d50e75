import { statusName } from "@wahub/domain";
import { createSparing, type Logger, type Metrics } from "@wahub/platform";
import type { CallbackFate, StatusCallback } from "@wahub/store";
import type { MessageListing } from "@wahub/twilio";
import type { DecisionGroup } from "./decide-unknown.ts";
import type { Refusal } from "./refusal.ts";

export type WebhookIngestEvents = ReturnType<typeof createWebhookIngestEvents>;

/** Anybody can cause refusals, and an outage fails every callback: at most one line per reason in this time. */
const lineEveryMs = 10_000;

/** What happens in this service, one function per event: counter and log line together. */
export function createWebhookIngestEvents(log: Logger, metrics: Metrics) {
  const callbacks = metrics.counter({
    name: "whatsapphub_callbacks_total",
    help: "Status callbacks that were taken, by the status they tell and what they turned out to be.",
    labels: ["status", "fate"],
  });
  const duration = metrics.histogram({
    name: "whatsapphub_callback_duration_seconds",
    help: "From a callback's arrival to its being durable.",
  });
  const duplicates = metrics.counter({
    name: "whatsapphub_duplicate_sends_total",
    help: "Messages that Twilio turned out to have taken once more. Worth an alert.",
  });
  const unknownStatuses = metrics.counter({
    name: "whatsapphub_callbacks_unknown_status_total",
    help: "Callbacks with a word for the status that this hub does not know; they change nothing and are kept for some days.",
  });
  const refused = metrics.counter({
    name: "whatsapphub_webhooks_refused_total",
    help: "Requests that were refused, by the reason.",
    labels: ["reason"],
  });
  const failed = metrics.counter({
    name: "whatsapphub_webhooks_failed_total",
    help: "Requests that failed on our side: unavailable is repeated by Twilio, internal is a fault of ours.",
    labels: ["reason"],
  });
  const leases = metrics.counter({
    name: "whatsapphub_leases_expired_total",
    help: "Messages whose sender did not report within its lease; their outcome is unknown.",
  });
  const parkedExpired = metrics.counter({
    name: "whatsapphub_parked_callbacks_expired_total",
    help: "Parked callbacks deleted because their message never turned up.",
  });
  const lists = metrics.counter({
    name: "whatsapphub_reconcile_lists_total",
    help: "Lists of messages asked of Twilio, by whether they could be had, and if not, why.",
    labels: ["result"],
  });
  const verdicts = metrics.counter({
    name: "whatsapphub_reconcile_verdicts_total",
    help: "Messages without a clear answer that were looked at, by what was concluded. stale: something else was faster.",
    labels: ["verdict"],
  });
  const policies = metrics.counter({
    name: "whatsapphub_unknown_policy_total",
    help: "Messages about which nobody could say whether Twilio has them, by what their batch's policy made of them.",
    labels: ["policy"],
  });
  const unresolved = metrics.gauge({
    name: "whatsapphub_unknown_messages",
    help: "Messages of all tenants without a clear answer at the moment; counted up to 10,000.",
  });
  const unresolvedAge = metrics.gauge({
    name: "whatsapphub_unknown_oldest_seconds",
    help: "How long ago the oldest message without a clear answer was claimed; 0 where there is none.",
  });
  const speak = createSparing(lineEveryMs);

  return {
    callbackTaken(taken: { callback: StatusCallback; fate: CallbackFate; tookMs: number }): void {
      const { callback, fate, tookMs } = taken;
      const status = statusName(callback.status);
      callbacks.inc({ status, fate });
      duration.observe(tookMs / 1000);
      const { messageId, attempt, messageSid, errorCode } = callback;
      const line = { event: "callback_taken", messageId, attempt, messageSid, status, errorCode, fate };
      if (fate === "parked") log.warn(line, "a signed callback of a message that is not here");
      else if (fate === "duplicate") {
        duplicates.inc();
        log.error({ ...line, event: "duplicate_send" }, "Twilio has taken this message once more");
      } else log.debug(line);
    },
    statusUnknown(word: string): void {
      unknownStatuses.inc();
      // Only what looks like one of Twilio's words: the field could hold anything.
      const status = /^[a-z_-]{1,32}$/i.test(word) ? word : "[no word]";
      log.warn(
        { event: "callback_status_unknown", status },
        "Twilio uses a status this hub does not know; the callback is kept",
      );
    },
    refused({ reason, message }: Refusal): void {
      refused.inc({ reason });
      const unsaid = speak(reason);
      if (unsaid !== undefined) log.warn({ event: "webhook_refused", reason, why: message, unsaid });
    },
    callbackFailed(reason: "unavailable" | "internal", err: unknown): void {
      failed.inc({ reason });
      const unsaid = reason === "unavailable" ? speak(reason) : 0;
      if (unsaid !== undefined) log.error({ event: "webhook_failed", reason, unsaid, err });
    },
    leasesExpired(count: number): void {
      if (count === 0) return;
      leases.inc(count);
      log.warn({ event: "leases_expired", count }, "senders did not report in time; these messages are unknown now");
    },
    looksAreEarly({ afterMs, settleMs }: { readonly afterMs: number; readonly settleMs: number }): void {
      log.warn(
        { event: "looks_are_early", afterMs, settleMs },
        "what a dead connection delivers after the second look at Twilio's list is sent twice: raise RECONCILE_AFTER_MS",
      );
    },
    listAskedFor(listing: MessageListing): void {
      const result = listing.kind === "listed" ? "listed" : listing.why;
      lists.inc({ result });
      if (listing.kind === "listed") return;
      const unsaid = speak(`list ${result}`);
      if (unsaid !== undefined)
        log.warn({ event: "list_unavailable", why: result, unsaid }, "Twilio's list cannot be had");
    },
    /** `recorded`: otherwise one of the messages had changed meanwhile, and nothing was done. */
    unknownLookedAt({ verdict, policies: acts, decisions }: DecisionGroup, recorded: boolean): void {
      verdicts.inc({ verdict: recorded ? verdict : "stale" }, decisions.length);
      if (!recorded) return;
      for (const policy of acts) policies.inc({ policy });
      const messageIds = decisions.map(({ messageId }) => messageId);
      if (acts.length > 0) {
        log.warn(
          { event: "unknown_policy", verdict, policies: acts, messageIds },
          "nobody can say; the policy decides",
        );
      } else log.info({ event: "unknown_looked_at", verdict, messageIds });
    },
    unresolvedMeasured({ count, oldest }: { count: number; oldest: Date | undefined }, now: Date): void {
      unresolved.set(count);
      unresolvedAge.set(oldest === undefined ? 0 : (now.getTime() - oldest.getTime()) / 1000);
    },
    parkedExpired(count: number): void {
      if (count === 0) return;
      parkedExpired.inc(count);
      log.warn({ event: "parked_callbacks_expired", count }, "their messages never turned up");
    },
  };
}
