import type { Clock } from "./clock.ts";

/**
 * Runs tasks at their time, first due first, equal times in the order they came.
 * One timer serves them all: a million waiting messages are a million small heap entries, not a million timers.
 */
export interface Scheduler {
  /** Runs `run` once, `delayMs` from now (0: with the next turn of the timer). */
  after(delayMs: number, run: () => void): void;
  /** Forgets everything that waits. */
  clear(): void;
  /** How many tasks wait. */
  readonly size: number;
}

interface Task {
  readonly dueAt: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Creates a scheduler on `clock`. A task that throws ends up where a timer's error would; the others still run.
 *
 * @param emptied called when nothing waits any more: after the last task, and when all were forgotten
 */
export function createScheduler(clock: Clock, emptied: () => void = nothing): Scheduler {
  const heap: Task[] = [];
  let order = 0;
  let armedFor = Infinity;
  let disarm = nothing;

  const rearm = (): void => {
    const next = heap[0];
    if (next === undefined || next.dueAt >= armedFor) return;
    disarm();
    armedFor = next.dueAt;
    disarm = clock.after(Math.max(0, Math.ceil(next.dueAt - clock.now())), runDue);
  };

  const runDue = (): void => {
    // Tasks that add tasks need no timer of their own meanwhile: one is armed at the end of the round.
    armedFor = -Infinity;
    const now = clock.now();
    try {
      for (let task = heap[0]; task !== undefined && task.dueAt <= now; task = heap[0]) {
        removeFirst(heap);
        task.run();
      }
    } finally {
      armedFor = Infinity;
      rearm();
      if (heap.length === 0) emptied();
    }
  };

  return {
    after(delayMs, run) {
      order += 1;
      insert(heap, { dueAt: clock.now() + delayMs, order, run });
      rearm();
    },
    clear() {
      heap.length = 0;
      armedFor = Infinity;
      disarm();
      emptied();
    },
    get size() {
      return heap.length;
    },
  };
}

function nothing(): void {}

function before(a: Task, b: Task): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}

function insert(heap: Task[], task: Task): void {
  let hole = heap.length;
  heap.push(task);
  while (hole > 0) {
    const parent = (hole - 1) >> 1;
    const above = heap[parent]!;
    if (!before(task, above)) break;
    heap[hole] = above;
    hole = parent;
  }
  heap[hole] = task;
}

function removeFirst(heap: Task[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let hole = 0;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
    if (!before(heap[child]!, last)) break;
    heap[hole] = heap[child]!;
    hole = child;
  }
  heap[hole] = last;
}
