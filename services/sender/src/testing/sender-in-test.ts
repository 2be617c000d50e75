import { create } from "@bufbuild/protobuf";
import { HubError, type OutgoingMessage, type SendOutcome } from "@wahub/domain";
import { createMemoryLimiter } from "@wahub/limits";
import { createLogger, createMetrics } from "@wahub/platform";
import { SendMessageJobSchema, type SendMessageJob } from "@wahub/proto/jobs";
import { planSender, type Store } from "@wahub/store";
import type { SampleBatch } from "@wahub/store/testing";
import { createSenderEvents } from "../events.ts";
import { createMessageGroups } from "../message-groups.ts";
import { createRecordOutcome, type RecordOutcomeDeps } from "../record-outcome.ts";
import { createSendMessage, type SendMessageDeps } from "../send-message.ts";

/** What fails like a database or Redis that is away. */
export const away = () => Promise.reject(new HubError("unavailable", "it cannot be reached at the moment"));

/** Events of which the test sees the log lines. */
export function eventsInTest() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const metrics = createMetrics({ service: "sender" });
  return { lines, metrics, events: createSenderEvents(createLogger({ service: "sender", write }), metrics) };
}

export type SenderChanges = Partial<SendMessageDeps> &
  Partial<RecordOutcomeDeps> & { recipientMax?: number; signal?: AbortSignal };

/** The real thing, but for a Twilio that answers as the test says and a limiter on the test's clock. */
export function senderInTest(store: Store, now: Date, outcome: SendOutcome, changes: SenderChanges = {}) {
  const { recipientMax = 50, signal = new AbortController().signal } = changes;
  const sent: OutgoingMessage[] = [];
  const groups = createMessageGroups(store, { now: () => now, leaseMs: 60_000 });
  const { events } = eventsInTest();
  const deps = { ...groups, events, now: () => now, ...changes };
  const sendMessage = createSendMessage({
    limiter: createMemoryLimiter({
      recipientLimit: { max: recipientMax, windowMs: 3_600_000 },
      now: () => now.getTime(),
    }),
    provider: {
      send: async (message) => {
        sent.push(message);
        return outcome;
      },
    },
    recordOutcome: createRecordOutcome({
      spooled: { submit: away, drain: () => Promise.resolve() },
      recordForMs: 1_000,
      ...deps,
    }),
    random: () => 0.5,
    policy: { retry: { delaysMs: [60_000] }, throttledMs: 4_000 },
    actOnOutcome: async () => {},
    maxHoldMs: 2_000,
    sendWindowMs: 10_000,
    deferForMs: 1_000,
    ...deps,
  });
  return { sent, send: (job: SendMessageJob) => sendMessage(job, signal) };
}

/** The jobs of all that is due, as the planner hands them out. */
export async function plannedJobs(store: Store, batch: SampleBatch, now: Date): Promise<SendMessageJob[]> {
  const messages = await planSender(store.pool, batch.senderId, { now, horizonMs: 10_000 });
  return messages.map((m) => create(SendMessageJobSchema, { ...m, recipientHash: Uint8Array.from(m.recipientHash) }));
}
