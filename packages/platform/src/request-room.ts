import { createFairGate } from "./fair-gate.ts";

/** What can be told of a request without reading it. */
export interface RequestSize {
  readonly bytes: number;
  readonly values: number;
}

/** Memory for requests that are being worked on: great ones wait for each other, small ones hardly notice. */
export interface RequestRoom {
  /**
   * Waits until there is memory to read and keep a request of this size.
   *
   * @param key whose request it is: everybody waits behind their own first
   * @returns gives the memory back
   * @throws HubError `limited` or `unavailable` when too much waits already; the signal's reason when it is aborted
   */
  enter(key: string, size: RequestSize, signal: AbortSignal): Promise<() => void>;
}

// Measured: what reading a request takes in the worst case, garbage included.
const memoryPerByte = 2;
const memoryPerValue = 100;

/** Room for the greatest request that is legal, and some more. The process has a heap of 256 MiB where that is bounded. */
const memory = 128 * 1024 * 1024;

/** One key leaves this share of it to others. */
const shareOfOthers = 0.2;

/** Smaller ones are only bounded by the number of connections. */
const smallMemory = 256 * 1024;

/** The bytes of whoever waits are in memory, too, though not in the heap. */
const waitingPerKey = 2 * memory;
const waiting = 4 * memory;

export function createRequestRoom(): RequestRoom {
  const gate = createFairGate({
    capacity: memory,
    capacityPerKey: memory * (1 - shareOfOthers),
    waitingPerKey,
    waiting,
    busyWith: "great requests are being worked on",
  });
  return {
    async enter(key, { bytes, values }, signal) {
      const cost = bytes * memoryPerByte + values * memoryPerValue;
      return cost <= smallMemory ? () => {} : gate.enter(key, cost, signal);
    },
  };
}
