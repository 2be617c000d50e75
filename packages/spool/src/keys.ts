/** The keys of one spool; the braces keep them on one shard of a cluster. */
export interface SpoolKeys {
  readonly stream: string;
  /** Bytes of all entries, those set aside included. */
  readonly bytes: string;
  /** How often an entry could not be handled, by its id. */
  readonly failures: string;
  /** Stream of what failed too often. */
  readonly aside: string;
}

export function keysOf(prefix: string, name: string): SpoolKeys {
  const stream = `${prefix}:{spool}:${name}`;
  return { stream, bytes: `${stream}:bytes`, failures: `${stream}:failures`, aside: `${stream}:aside` };
}

/** What an entry takes in Redis besides its payload: its share of the stream's nodes, and being pending. */
export const entryOverheadBytes = 128;
