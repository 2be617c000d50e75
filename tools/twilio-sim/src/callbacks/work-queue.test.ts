import { describe, expect, test } from "@jest/globals";
import { createWorkQueue } from "./work-queue.ts";

/** A queue of numbers whose work ends when the test says so. */
function manualQueue(concurrency: number, capacity = Infinity) {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const run = (item: number): Promise<void> => {
    started.push(item);
    return new Promise((resolve) => ends.push(resolve));
  };
  const queue = createWorkQueue(run, () => concurrency, capacity);
  const endOne = async (): Promise<void> => {
    ends.shift()?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { queue, started, endOne };
}

describe("the work queue", () => {
  test("runs so many at once and the others in their order", async () => {
    const { queue, started, endOne } = manualQueue(2);
    for (const item of [1, 2, 3, 4]) queue.push(item);
    expect(started).toEqual([1, 2]);
    expect(queue).toMatchObject({ running: 2, waiting: 2 });
    await endOne();
    expect(started).toEqual([1, 2, 3]);
    await endOne();
    await endOne();
    await endOne();
    expect(started).toEqual([1, 2, 3, 4]);
    expect(queue).toMatchObject({ running: 0, waiting: 0 });
  });

  test("takes no more than its capacity", () => {
    const { queue } = manualQueue(1, 2);
    expect([1, 2, 3, 4].map((item) => queue.push(item))).toEqual([true, true, true, false]);
  });

  test("forgets what waits", async () => {
    const { queue, started, endOne } = manualQueue(1);
    for (const item of [1, 2, 3]) queue.push(item);
    queue.clear();
    await endOne();
    queue.push(4);
    expect(started).toEqual([1, 4]);
  });

  test("keeps the order over many thousands", async () => {
    const { queue, started, endOne } = manualQueue(3);
    for (let item = 0; item < 5_000; item += 1) queue.push(item);
    for (let item = 0; item < 5_000; item += 1) await endOne();
    expect(started).toEqual(Array.from({ length: 5_000 }, (_, item) => item));
  });
});
