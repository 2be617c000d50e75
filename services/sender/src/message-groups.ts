import {
  claimMessages,
  createGroupCommit,
  deferMessages,
  recordOutcomes,
  recoverClaims,
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

/**
 * Claims, deferrals and outcomes of all messages in hand, each kind written many at a time. A connection that breaks costs
 * nobody anything: deferrals and outcomes are compare-and-set, so they may be written again, and claims are found again by
 * their tokens.
 */
export function createMessageGroups(store: Store, options: { now: () => Date; leaseMs: number }) {
  const { now, leaseMs } = options;
  const recover = (requests: readonly ClaimRequest[]) =>
    withStoreErrors(() => recoverClaims(store.pool, requests, { now: now(), leaseMs }));
  const defer = (deferrals: readonly Deferral[]) => withStoreErrors(() => deferMessages(store.pool, deferrals, now()));
  const record = (outcomes: readonly AttemptOutcome[]) =>
    withStoreErrors(() => recordOutcomes(store.pool, outcomes, now()));
  return {
    claims: createGroupCommit<ClaimRequest, Claim | undefined>({
      write: (requests) => withStoreErrors(() => claimMessages(store.pool, requests, { now: now(), leaseMs })),
      writeAgain: recover,
      maxItems,
      maxConcurrent,
    }),
    recoveries: createGroupCommit<ClaimRequest, Claim | undefined>({ write: recover, maxItems, maxConcurrent }),
    deferrals: createGroupCommit<Deferral, boolean>({ write: defer, writeAgain: defer, maxItems, maxConcurrent }),
    outcomes: createGroupCommit<AttemptOutcome, OutcomeFate>({
      write: record,
      writeAgain: record,
      maxItems,
      maxConcurrent,
    }),
  };
}
