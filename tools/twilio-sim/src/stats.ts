/** What became of callbacks, counted. */
export interface CallbackCounts {
  /** Under way: waiting, in flight, or between two attempts. */
  pending: number;
  /** POSTs made, retries and duplicates included. */
  posted: number;
  /** Callbacks that ended with a 2xx. */
  ok: number;
  /** Callbacks that were posted and never got a 2xx. */
  failed: number;
  retried: number;
  duplicated: number;
  /** By the `dropShare` knob. */
  dropped: number;
  /** Receivers that are not on this machine's loopback. */
  refusedHost: number;
  /** Too many were waiting already. */
  overflow: number;
}

/** Counters since the start or the last reset. */
export interface Stats {
  /** Creates that got past credentials and the concurrency limit, whatever became of them. */
  creates: number;
  /** List requests that got past credentials. */
  lists: number;
  /** Refused requests by Twilio's error code. */
  readonly refused: Map<number, number>;
  readonly callbacks: CallbackCounts;
}

/** All at zero. */
export function createStats(): Stats {
  return {
    creates: 0,
    lists: 0,
    refused: new Map(),
    callbacks: {
      pending: 0,
      posted: 0,
      ok: 0,
      failed: 0,
      retried: 0,
      duplicated: 0,
      dropped: 0,
      refusedHost: 0,
      overflow: 0,
    },
  };
}

/** Counts one refused request. */
export function countRefusal(stats: Stats, code: number): void {
  stats.refused.set(code, (stats.refused.get(code) ?? 0) + 1);
}
