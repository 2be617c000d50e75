import { createSparing, type Logger, type Metrics } from "@wahub/platform";
import { BatchState } from "@wahub/proto";
import { auditFaults, type AuditFault, type AuditFaultKind } from "@wahub/store";
import type {
  Backlog,
  BatchStep,
  ClosedWaiting,
  FoldResult,
  PausedCount,
  SendingScope,
  SweepResult,
} from "@wahub/store";

/** What a caller does to a running batch. */
export type BatchAct = "paused" | "resumed" | "canceled";

export type DispatchEvents = ReturnType<typeof createDispatchEvents>;

/** What fails five times a second is told once in this time. */
const lineEveryMs = 10_000;

/** What happens in this service, one function per event: counter and log line together. */
export function createDispatchEvents(log: Logger, metrics: Metrics) {
  const batches = metrics.counter({
    name: "whatsapphub_batches_total",
    help: "Batches by what happened to them.",
    labels: ["event"],
  });
  const recipients = metrics.counter({
    name: "whatsapphub_recipients_total",
    help: "Recipients of accepted batches by what the door made of them.",
    labels: ["result"],
  });
  const jobs = metrics.counter({
    name: "whatsapphub_jobs_planned_total",
    help: "Send jobs handed to Redis: planned for the first time, or offered again: lost, or refused while something was paused.",
    labels: ["kind"],
  });
  const failedTurns = metrics.counter({
    name: "whatsapphub_sender_plans_failed_total",
    help: "Turns of the planner for one sender that failed; the others went on.",
  });
  const redisForgotten = metrics.counter({
    name: "whatsapphub_redis_forgotten_total",
    help: "Times Redis was found to have lost its data.",
  });
  const closed = metrics.counter({
    name: "whatsapphub_messages_closed_total",
    help: "Waiting messages that are not sent any more: their batch was canceled, or its time was over.",
    labels: ["status"],
  });
  const unknownResolved = metrics.counter({
    name: "whatsapphub_unknown_decided_total",
    help: "Held messages without a clear answer that a caller decided, by what was decided.",
    labels: ["resolution"],
  });
  const pausedNow = metrics.gauge({
    name: "whatsapphub_paused",
    help: "Accounts, senders and batches that are paused now, or try again, by Twilio's code (0: a person, or no clear answers).",
    labels: ["scope", "code"],
  });
  const controls = metrics.counter({
    name: "whatsapphub_sending_controls_total",
    help: "Accounts and senders that a caller paused or resumed.",
    labels: ["scope", "act"],
  });
  const deltas = metrics.counter({ name: "whatsapphub_count_deltas_folded_total", help: "Count deltas folded." });

  const backlog = metrics.gauge({
    name: "whatsapphub_backlog_messages",
    help: "Messages of running batches that still have to be handed to Twilio, by where they stand.",
    labels: ["status"],
  });

  const faults = metrics.gauge({
    name: "whatsapphub_audit_faults",
    help: "Messages of batches in which the last audits found something wrong, by what it is; 0 when all is well.",
    labels: ["kind"],
  });
  const auditedBatches = metrics.counter({
    name: "whatsapphub_audited_batches_total",
    help: "Times a batch was audited: all that is stored of it was compared with itself.",
  });
  const faultKinds = Object.keys(auditFaults) as AuditFaultKind[];
  for (const kind of faultKinds) faults.set({ kind }, 0);
  let toldFaults = new Set<string>();

  const speak = createSparing(lineEveryMs);

  const step = (event: "completed" | "settled", steps: readonly BatchStep[]): void => {
    for (const { batchId, total, state } of steps) {
      batches.inc({ event });
      const canceled = state === BatchState.CANCELED;
      log.info({ event: `batch_${event}`, batchId, total, canceled }, `batch ${event}`);
    }
  };

  return {
    batchAccepted(
      callLog: Logger,
      {
        batchId,
        total,
        duplicates,
        rejected,
      }: { batchId: string; total: number; duplicates: number; rejected: number },
    ): void {
      batches.inc({ event: "accepted" });
      recipients.inc({ result: "accepted" }, total);
      recipients.inc({ result: "duplicate" }, duplicates);
      recipients.inc({ result: "rejected" }, rejected);
      callLog.info({ event: "batch_accepted", batchId, total, duplicates, rejected }, "batch accepted");
    },
    batchRepeated(callLog: Logger, { batchId }: { batchId: string }): void {
      batches.inc({ event: "repeated" });
      callLog.info({ event: "batch_repeated", batchId }, "answered with the batch that this key made before");
    },
    /** A caller did; what happens twice counts once. */
    batchControlled(callLog: Logger, { batchId, act }: { batchId: string; act: BatchAct }): void {
      batches.inc({ event: act });
      callLog.info({ event: `batch_${act}`, batchId }, `batch ${act} by a call`);
    },
    closedWaiting(status: "canceled" | "expired", { messages }: ClosedWaiting): void {
      closed.inc({ status }, messages);
      if (messages > 0) log.info({ event: `messages_${status}`, count: messages }, `waiting messages ${status}`);
    },
    planned({ planned, offeredAgain }: { planned: number; offeredAgain: number }): void {
      jobs.inc({ kind: "planned" }, planned);
      jobs.inc({ kind: "offered_again" }, offeredAgain);
      if (offeredAgain > 0) log.info({ event: "jobs_offered_again", count: offeredAgain }, "offered again");
    },
    planFailed(senderId: string, err: unknown): void {
      failedTurns.inc();
      const unsaid = speak(`plan ${senderId}`);
      if (unsaid !== undefined)
        log.error({ event: "plan_failed", senderId, unsaid, err }, "planning for a sender failed");
    },
    sendingControlled(callLog: Logger, facts: { scope: SendingScope; id: string; act: "paused" | "resumed" }): void {
      const { scope, id, act } = facts;
      controls.inc({ scope, act });
      callLog.info({ event: `${scope}_${act}`, id }, `${scope} ${act} by a caller`);
    },
    pausedNow(counts: readonly PausedCount[]): void {
      pausedNow.reset();
      for (const { scope, code, count } of counts) pausedNow.set({ scope, code: String(code) }, count);
    },
    redisForgot(): void {
      redisForgotten.inc();
      log.warn({ event: "redis_forgot" }, "Redis has lost its data; offering everything queued again");
    },
    folded(result: FoldResult): void {
      deltas.inc(result.folded);
      step("completed", result.completed);
      step("settled", result.settled);
    },
    settledOverdue(settled: readonly BatchStep[]): void {
      step("settled", settled);
    },
    swept({ abandoned, deleted }: SweepResult): void {
      batches.inc({ event: "abandoned" }, abandoned);
      batches.inc({ event: "deleted" }, deleted);
      if (abandoned > 0) log.warn({ event: "batches_abandoned", count: abandoned }, "batches were never finished");
    },
    unknownDecided(
      callLog: Logger,
      decided: { batchId: string; resolution: "assume_sent" | "send_again"; count: number },
    ) {
      unknownResolved.inc({ resolution: decided.resolution }, decided.count);
      callLog.info({ event: "unknown_decided", ...decided }, "a caller decided what is to become of held messages");
    },
    backlogMeasured({ accepted, queued, sending }: Backlog): void {
      backlog.set({ status: "accepted" }, accepted);
      backlog.set({ status: "queued" }, queued);
      backlog.set({ status: "sending" }, sending);
    },
    /** The faults are all that this process knows of at the moment; each is told once. */
    audited({ batches: count, faults: known }: { batches: number; faults: readonly AuditFault[] }): void {
      auditedBatches.inc(count);
      for (const kind of faultKinds)
        faults.set(
          { kind },
          known.reduce((sum, fault) => (fault.kind === kind ? sum + fault.count : sum), 0),
        );
      const keyed = known.map((fault) => ({ fault, key: `${fault.batchId} ${fault.kind} ${fault.count}` }));
      for (const { fault, key } of keyed)
        if (!toldFaults.has(key)) log.error({ event: "audit_fault", ...fault }, auditFaults[fault.kind]);
      toldFaults = new Set(keyed.map(({ key }) => key));
    },
    partitionsMade(count: number): void {
      if (count > 0) log.info({ event: "partitions_made", count }, "partitions made ahead");
    },
  };
}
