import {
  claimMessages,
  createGroupCommit,
  deferMessages,
  recordOutcomes,
  withStoreErrors,
  type AttemptOutcome,
  type Claim,
  type ClaimRequest,
  type Deferral,
  type OutcomeFate,
  type Store,
} from "@wahub/store";

/** Most messages per statement: a few milliseconds of PostgreSQL's time. */
const maxItems = 200;

/** One statement under way while the next fills up; a second lets a slow one not hold up all. */
const maxConcurrent = 2;

/** Claims, deferrals and outcomes of all messages in hand, each kind written many at a time. */
export function createMessageGroups(store: Store, options: { now: () => Date; leaseMs: number }) {
  const { now, leaseMs } = options;
  return {
    claims: createGroupCommit<ClaimRequest, Claim | undefined>({
      write: (requests) => withStoreErrors(() => claimMessages(store.pool, requests, { now: now(), leaseMs })),
      maxItems,
      maxConcurrent,
    }),
    deferrals: createGroupCommit<Deferral, boolean>({
      write: (deferrals) => withStoreErrors(() => deferMessages(store.pool, deferrals, now())),
      maxItems,
      maxConcurrent,
    }),
    outcomes: createGroupCommit<AttemptOutcome, OutcomeFate>({
      write: (outcomes) => withStoreErrors(() => recordOutcomes(store.pool, outcomes, now())),
      maxItems,
      maxConcurrent,
    }),
  };
}
