/** How fast a sender is, and how many messages may wait for it. */
export interface SenderSpeed {
  /** Messages a second; 0 is no limit. */
  readonly senderPerSecond: number;
  readonly senderQueue: number;
}

/** The queues of all senders: messages leave one by one, at the sender's speed, in the order they came. */
export interface SenderQueues {
  /** How many ms a message accepted at `now` waits for its turn; undefined when the queue is full. */
  enter(from: string, now: number, speed: SenderSpeed): number | undefined;
}

/** Opens empty queues. Only the moment at which each sender is free again is kept. */
export function createSenderQueues(): SenderQueues {
  const freeAt = new Map<string, number>();
  return {
    enter(from, now, { senderPerSecond, senderQueue }) {
      if (senderPerSecond === 0) return 0;
      const turnAt = Math.max(now, freeAt.get(from) ?? now);
      const waitMs = turnAt - now;
      if ((waitMs * senderPerSecond) / 1_000 >= senderQueue) return undefined;
      freeAt.set(from, turnAt + 1_000 / senderPerSecond);
      return waitMs;
    },
  };
}
