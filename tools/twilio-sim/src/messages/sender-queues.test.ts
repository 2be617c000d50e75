import { describe, expect, test } from "@jest/globals";
import { createSenderQueues } from "./sender-queues.ts";

const SPEED = { senderPerSecond: 10, senderQueue: 3 };

describe("a sender's queue", () => {
  test("lets messages go at the sender's speed, each sender for itself", () => {
    const queues = createSenderQueues();
    expect([0, 0, 0, 50, 1_000].map((now) => queues.enter("a", now, SPEED))).toEqual([0, 100, 200, 250, 0]);
    expect(queues.enter("b", 50, SPEED)).toBe(0);
  });

  test("is full at its bound, and takes messages again as others leave", () => {
    const queues = createSenderQueues();
    expect([0, 0, 0, 0, 0].map((now) => queues.enter("a", now, SPEED))).toEqual([0, 100, 200, undefined, undefined]);
    expect(queues.enter("a", 100, SPEED)).toBe(200);
    expect(queues.enter("a", 100, SPEED)).toBeUndefined();
  });

  test("does not exist without a speed", () => {
    const queues = createSenderQueues();
    expect([0, 0, 0].map((now) => queues.enter("a", now, { ...SPEED, senderPerSecond: 0 }))).toEqual([0, 0, 0]);
  });
});
