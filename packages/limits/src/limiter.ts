/** A message that wants its turn. */
export interface TurnRequest {
  readonly senderId: string;
  /** How fast this sender may go; more than 0. May change from call to call. */
  readonly messagesPerSecond: number;
  /** Stands for the recipient; short, because there is a key for each recipient of the last window. */
  readonly recipientHash: string;
  /** How far ahead the sender's turn may be reserved, whole ms; 0, the default: only a turn right now. */
  readonly maxWaitMs?: number;
}

export type Turn =
  | {
      readonly granted: true;
      /** The turn is reserved and comes in this time; at most `maxWaitMs`. */
      readonly waitMs: number;
      /** On the limiter's clock, ms since 1970: names the recipient's grant, to release it. */
      readonly grantedAt: number;
    }
  | {
      readonly granted: false;
      /** In this time the same request would be granted if nobody else asked. */
      readonly waitMs: number;
      /** The limit that takes longest. */
      readonly limitedBy: "sender" | "recipient";
    };

/** A grant that was not used. */
export interface UnusedTurn {
  readonly recipientHash: string;
  /** As `acquire` told it. */
  readonly grantedAt: number;
}

/** Keeps the pace: per recipient so many messages in any window, per sender so many a second. */
export interface RateLimiter {
  /**
   * Takes one turn from both limits or from neither. A refusal costs nothing. With `maxWaitMs` the turn may be the
   * sender's next free one: whoever waits for it need not ask again, and those who wait do not race each other.
   *
   * @throws {HubError} `unavailable` when the counts cannot be read; no turn is granted on a guess
   * @throws {RangeError} when `messagesPerSecond` is not more than 0
   */
  acquire(request: TurnRequest): Promise<Turn>;
  /**
   * Gives the recipient's turn back, for a message that certainly did not go out. The sender's is not given back: its
   * time has passed. A grant that is not there any more, or was given back already, is no harm.
   *
   * @throws {HubError} `unavailable`: then the recipient may get one message less in this window
   */
  release(turn: UnusedTurn): Promise<void>;
}

/** What both limiters need to know. */
export interface LimiterOptions {
  /** At most `max` turns per recipient in any window of `windowMs`. */
  readonly recipientLimit: { readonly max: number; readonly windowMs: number };
  /** A sender that was idle may send this much of its pace at once, at least one message. Default: 100 ms' worth. */
  readonly senderBurstMs?: number;
}

export const defaultSenderBurstMs = 100;
