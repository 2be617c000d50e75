import { createRandom } from "../e2e/fuzz/random.ts";
import { recipientPool } from "./recipients.ts";

export type Door = "grpc" | "stream" | "connect" | "rest";
export type Policy = "assume_sent" | "hold";

/** One batch that a caller wants to have sent. */
export interface Order {
  readonly name: string;
  readonly door: Door;
  readonly body: string;
  readonly recipients: readonly string[];
  readonly policy: Policy;
  /** When the caller calls, from the start of the storm. */
  readonly atMs: number;
  /** When somebody calls it off, counted from the answer. */
  readonly cancelAfterMs?: number;
  /** When somebody pauses it, counted from the answer; it is resumed after as long again. */
  readonly pauseAfterMs?: number;
  /** How long it may take, counted from the call; what has not left by then is not sent. */
  readonly expiresAfterMs?: number;
}

export interface CampaignFacts {
  readonly stormMs: number;
  readonly messagesPerSecond: number;
}

/** The share of the sender's time that the orders fill: faults and outages take the rest. */
const FILL = 0.7;
/** The orders reach for so many different numbers, in shares of all messages: people get several messages at once. */
const POOL = 0.6;

/** Each batch: its share of the messages, and when in the storm (share of it) it is sent. */
const SHAPES: readonly (Omit<Order, "body" | "recipients" | "atMs"> & { share: number; at: number })[] = [
  { name: "first stream", door: "stream", policy: "assume_sent", share: 0.3, at: 0 },
  { name: "first call", door: "grpc", policy: "assume_sent", share: 0.14, at: 0 },
  { name: "held", door: "grpc", policy: "hold", share: 0.07, at: 0.05 },
  { name: "called off", door: "stream", policy: "assume_sent", share: 0.12, at: 0.15, cancelAfterMs: 8_000 },
  { name: "rest", door: "rest", policy: "assume_sent", share: 0.1, at: 0.25 },
  { name: "paused", door: "connect", policy: "assume_sent", share: 0.08, at: 0.35, pauseAfterMs: 3_000 },
  { name: "short of time", door: "grpc", policy: "assume_sent", share: 0.07, at: 0.45, expiresAfterMs: 10_000 },
  { name: "late stream", door: "stream", policy: "assume_sent", share: 0.08, at: 0.55 },
  { name: "last call", door: "connect", policy: "assume_sent", share: 0.04, at: 0.75 },
];

/** The batches of a run in the order of their calls; a pure function of the seed. */
export function planCampaign(seed: number, { stormMs, messagesPerSecond }: CampaignFacts): readonly Order[] {
  const random = createRandom(seed, "campaign");
  const messages = Math.round((stormMs / 1_000) * messagesPerSecond * FILL);
  const largest = Math.ceil(messages * Math.max(...SHAPES.map(({ share }) => share)));
  const pool = recipientPool(Math.max(largest, Math.round(messages * POOL)));
  return SHAPES.map(({ share, at, ...shape }) => {
    const from = random.below(pool.length);
    const count = Math.max(1, Math.round(messages * share));
    return {
      ...shape,
      body: `${shape.name}: your parcel ${seed} arrives tomorrow`,
      recipients: [...pool.slice(from), ...pool.slice(0, from)].slice(0, count),
      atMs: Math.round(at * stormMs),
    };
  });
}
