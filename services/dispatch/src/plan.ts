import { create } from "@bufbuild/protobuf";
import { SendMessageJobSchema, type SendMessageJob } from "@wahub/proto/jobs";
import { planSender, reofferQueued, sendersWithWork, type PlannedMessage, type Store } from "@wahub/store";
import type { Epoch, JobProducer } from "@wahub/queue";
import type { DispatchEvents } from "./events.ts";

export interface PlannerDeps {
  readonly store: Store;
  readonly producer: JobProducer;
  readonly epoch: Epoch;
  readonly events: DispatchEvents;
  readonly now: () => Date;
  /** How much of a sender's time may lie in Redis. */
  readonly horizonMs: number;
  /** Queued for longer than this without being claimed: the job is taken for lost and offered again. */
  readonly reofferAfterMs: number;
}

/** Most lost jobs offered again per sender and round. */
const reofferLimit = 1000;

/**
 * One round of the planner: for each sender, offers again what was queued and seems lost, then queues due messages up
 * to its inventory, and hands out the jobs. PostgreSQL decides first and Redis is told afterwards, so whatever happens
 * in between, the rows are queued and will be offered again.
 */
export function createPlanRound(deps: PlannerDeps) {
  // Remembered until a round has gone through: the epoch tells it once.
  let redisForgot = false;
  return async (signal: AbortSignal): Promise<void> => {
    // A new epoch means that Redis has forgotten its jobs: everything queued is offered again at once.
    if ((await deps.epoch.check()) === "lost") {
      redisForgot = true;
      deps.events.redisForgot();
    }
    for (const senderId of await sendersWithWork(deps.store.pool)) {
      if (signal.aborted) return;
      const now = deps.now();
      const queuedBefore = redisForgot ? now : new Date(now.getTime() - deps.reofferAfterMs);
      const lost = await reofferQueued(deps.store.pool, senderId, { now, queuedBefore, limit: reofferLimit });
      const planned = await planSender(deps.store.pool, senderId, { now, horizonMs: deps.horizonMs });
      await deps.producer.enqueue([...lost, ...planned].map(toJob));
      deps.events.planned({ planned: planned.length, offeredAgain: lost.length });
    }
    redisForgot = false;
  };
}

function toJob(message: PlannedMessage): SendMessageJob {
  return create(SendMessageJobSchema, { ...message, recipientHash: Uint8Array.from(message.recipientHash) });
}
