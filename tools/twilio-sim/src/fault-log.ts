/** A campaign of a million with every request at fault must not take the simulator's memory with it. */
const MAX_ENTRIES = 200_000;

/** One thing that went wrong, because a knob said so. */
export interface FaultEntry {
  /** `429`, `acceptedReset`, `listHang`, ... */
  readonly fault: string;
  /** The number of the create, or of the list request. */
  readonly n: number;
  /** ms since 1970 */
  readonly at: number;
  /** With its channel; null when the request was never read. */
  readonly to: string | null;
  readonly statusCallback: string | null;
  /** What was accepted all the same. */
  readonly sid: string | null;
}

/** Which faults befell which requests, in their order. */
export interface FaultLog {
  add(entry: FaultEntry): void;
  slice(offset: number, limit: number): readonly FaultEntry[];
  readonly size: number;
  /** How often each fault came, also those past the last that is kept. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Opens an empty one. */
export function createFaultLog(capacity = MAX_ENTRIES): FaultLog {
  const entries: FaultEntry[] = [];
  const counts = new Map<string, number>();
  return {
    add(entry) {
      counts.set(entry.fault, (counts.get(entry.fault) ?? 0) + 1);
      if (entries.length < capacity) entries.push(entry);
    },
    slice: (offset, limit) => entries.slice(offset, offset + limit),
    get size() {
      return entries.length;
    },
    counts,
  };
}
