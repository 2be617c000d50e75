import { HubError } from "@wahub/domain";

export interface FairGateOptions {
  /** How much may be inside at once, in whatever unit `enter` counts. */
  readonly capacity: number;
  /** Most of it that one key may hold; so nobody finds everything taken by one other. Default: all. */
  readonly capacityPerKey?: number;
  /** How much may wait: of one key before the gate answers `limited`, and of all before it answers `unavailable`. */
  readonly waitingPerKey?: number;
  readonly waiting?: number;
  /** What is short, for the words of a refusal: "recipients are being stored". */
  readonly busyWith: string;
}

/** A place where work waits for its turn when there is too much of it. */
export interface FairGate {
  /**
   * Waits for room.
   *
   * @param key whose work it is; waiting is per key
   * @param cost how much room it takes; never more than one key may hold, so that the greatest work has a turn, too
   * @returns gives the room back; calling it again does nothing
   * @throws HubError `limited` or `unavailable` when too much waits already; the signal's reason when it is aborted
   */
  enter(key: string, cost: number, signal?: AbortSignal): Promise<() => void>;
}

/** How long a caller is told to wait that has too much under way. */
const retryAfterMs = 1_000;

interface Waiting {
  readonly cost: number;
  readonly since: number;
  readonly admit: () => void;
}

interface Line {
  held: number;
  waiting: number;
  readonly queue: Waiting[];
}

/**
 * Whoever holds least comes first, and among equals whoever waits longest; within a key, first come, first served. The
 * one whose turn it is waits until there is room for it, and so do all behind: small work does not starve great work.
 */
export function createFairGate(options: FairGateOptions): FairGate {
  const { capacity, capacityPerKey = capacity, waitingPerKey = 0, waiting = waitingPerKey, busyWith } = options;
  const lines = new Map<string, Line>();
  let held = 0;
  let allWaiting = 0;
  let arrivals = 0;

  function take(key: string, line: Line, cost: number): () => void {
    held += cost;
    line.held += cost;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      held -= cost;
      line.held -= cost;
      forget(key, line);
      admitNext();
    };
  }

  function forget(key: string, line: Line): void {
    if (line.held === 0 && line.queue.length === 0) lines.delete(key);
  }

  function admitNext(): void {
    for (let line = nextLine(); line !== undefined; line = nextLine()) {
      const [first] = line.queue;
      if (first === undefined || held + first.cost > capacity) return;
      line.queue.shift();
      line.waiting -= first.cost;
      allWaiting -= first.cost;
      first.admit();
    }
  }

  /** Of those whose key may hold more. */
  function nextLine(): Line | undefined {
    let best: Line | undefined;
    for (const line of lines.values()) {
      const [first] = line.queue;
      if (first === undefined || line.held + first.cost > capacityPerKey) continue;
      if (best === undefined || before(line, best)) best = line;
    }
    return best;
  }

  function refuseIfFull(line: Line, cost: number): void {
    const isOwnFault = line.waiting > 0 || line.held + cost > capacityPerKey;
    if (isOwnFault && line.waiting + cost > waitingPerKey) {
      throw new HubError("limited", `too many of your calls at once: ${busyWith}`, { retryAfterMs });
    }
    if (allWaiting + cost > waiting) {
      throw new HubError("unavailable", `too many calls at once: ${busyWith}; call again`, { retryAfterMs });
    }
  }

  return {
    async enter(key, wanted, signal) {
      signal?.throwIfAborted();
      const cost = Math.min(wanted, capacityPerKey);
      const line = lines.get(key) ?? { held: 0, waiting: 0, queue: [] };
      const fits = held + cost <= capacity && line.held + cost <= capacityPerKey;
      if (fits && allWaiting === 0) {
        lines.set(key, line);
        return take(key, line, cost);
      }
      refuseIfFull(line, cost);
      lines.set(key, line);
      const turn = Promise.withResolvers<() => void>();
      const entry = { cost, since: arrivals++, admit: () => turn.resolve(take(key, line, cost)) };
      line.queue.push(entry);
      line.waiting += cost;
      allWaiting += cost;
      const abort = (): void => {
        const at = line.queue.indexOf(entry);
        if (at === -1) return;
        line.queue.splice(at, 1);
        line.waiting -= cost;
        allWaiting -= cost;
        forget(key, line);
        turn.reject(signal!.reason);
        admitNext();
      };
      signal?.addEventListener("abort", abort, { once: true });
      // Somebody may wait only because another key is ahead of it that may not go on.
      admitNext();
      return turn.promise.finally(() => signal?.removeEventListener("abort", abort));
    },
  };
}

function before(a: Line, b: Line): boolean {
  return a.held !== b.held ? a.held < b.held : a.queue[0]!.since < b.queue[0]!.since;
}
