import { create } from "@bufbuild/protobuf";
import { SendMessageJobSchema, type SendMessageJob } from "@wahub/proto/jobs";
import { planSender, reofferQueued, sendersWithWork, type PlannedMessage, type Store } from "@wahub/store";
import type { Epoch, JobProducer } from "@wahub/queue";
import type { DispatchEvents } from "./events.ts";

export interface PlannerDeps {
  readonly store: Store;
  readonly producer: Pick<JobProducer, "enqueue" | "dropFinished">;
  readonly epoch: Epoch;
  readonly events: DispatchEvents;
  readonly now: () => Date;
  /** How much of a sender's time may lie in Redis. */
  readonly horizonMs: number;
  /** Queued for longer than this without being claimed: the job is taken for lost and offered again. */
  readonly reofferAfterMs: number;
  /** How long a sender that was slowed down takes to get its speed back; the senders count with the same. */
  readonly paceRecoveryMs: number;
  /** How long a message that tries for a paused sender or account may go unheard of. */
  readonly probeLostAfterMs: number;
}

/** Most lost jobs offered again per sender and round. */
const reofferLimit = 1000;

/** Senders planned for at once: one that is slow does not hold up all the others. */
const sendersAtOnce = 2;

/**
 * One round of the planner: for each sender, offers again what was queued and seems lost, then queues due messages up
 * to its inventory, and hands out the jobs. PostgreSQL decides first and Redis is told afterwards, so whatever happens
 * in between, the rows are queued and will be offered again.
 *
 * A sender whose turn fails is counted and comes again in the next round; the others go on. Each round begins with
 * another sender.
 *
 * @throws the error of a sender where all of them failed: then the trouble is not theirs
 */
export function createPlanRound(deps: PlannerDeps) {
  const { store, epoch, events, now, paceRecoveryMs } = deps;
  let round = 0;
  let forgotAt = 0;
  /** By sender: what was queued until then may not have reached Redis. */
  const failedAt = new Map<string, number>();

  async function planFor(senderId: string): Promise<void> {
    const at = now();
    const lostUntil = Math.max(at.getTime() - deps.reofferAfterMs, forgotAt, failedAt.get(senderId) ?? 0);
    const queuedBefore = new Date(lostUntil);
    const reoffer = { now: at, queuedBefore, limit: reofferLimit, paceRecoveryMs };
    const again = await reofferQueued(store.pool, senderId, reoffer);
    const { horizonMs, probeLostAfterMs } = deps;
    const planned = await planSender(store.pool, senderId, { now: at, horizonMs, paceRecoveryMs, probeLostAfterMs });
    // Whatever keeps a job from running must not keep the next one of its name from it.
    if (again.length > 0) await deps.producer.dropFinished();
    await deps.producer.enqueue([...again, ...planned].map(toJob));
    events.planned({ planned: planned.length, offeredAgain: again.length });
  }

  return async (signal: AbortSignal): Promise<void> => {
    // A new epoch means that Redis has forgotten its jobs: everything queued until now is offered again.
    if ((await epoch.check()) === "lost") {
      forgotAt = now().getTime();
      events.redisForgot();
    }
    const senderIds = await sendersWithWork(store.pool, now());
    const first = round++ % Math.max(1, senderIds.length);
    const turns = [...senderIds.slice(first), ...senderIds.slice(0, first)].values();
    const failures: unknown[] = [];
    const takeTurns = async (): Promise<void> => {
      for (const senderId of turns) {
        if (signal.aborted) return;
        await planFor(senderId).catch((error: unknown) => {
          failures.push(error);
          failedAt.set(senderId, now().getTime() + 1);
          events.planFailed(senderId, error);
        });
      }
    };
    await Promise.all(Array.from({ length: sendersAtOnce }, takeTurns));
    if (failures.length > 0 && failures.length === senderIds.length) throw failures[0];
  };
}

function toJob(message: PlannedMessage): SendMessageJob {
  return create(SendMessageJobSchema, { ...message, recipientHash: Uint8Array.from(message.recipientHash) });
}
