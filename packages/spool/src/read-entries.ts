import type { Redis } from "ioredis";
import type { SpoolKeys } from "./keys.ts";

/** The one consumer group of a spool. */
export const group = "drain";

/** A fact as it lies in the stream. */
export interface SpoolEntry {
  readonly id: string;
  readonly payload: Uint8Array;
}

/**
 * Takes entries in hand for this consumer: those it has had already, then those of consumers that have been silent for
 * so long, then new ones.
 */
export async function readEntries(
  redis: Redis,
  keys: SpoolKeys,
  options: { consumer: string; maxItems: number; takeOverAfterMs: number },
): Promise<SpoolEntry[]> {
  const { consumer, maxItems, takeOverAfterMs } = options;
  const read = async (room: number, from: "0" | ">"): Promise<SpoolEntry[]> => {
    const streams = await redis.xreadgroupBuffer("GROUP", group, consumer, "COUNT", room, "STREAMS", keys.stream, from);
    return entriesOf(streams?.[0]?.[1]);
  };
  const takeOver = async (room: number): Promise<SpoolEntry[]> => {
    const args = [keys.stream, group, consumer, takeOverAfterMs, "0", "COUNT", room];
    const [, entries] = (await redis.callBuffer("XAUTOCLAIM", ...args)) as [Buffer, RawEntry[]];
    return entriesOf(entries);
  };
  try {
    const held = await read(maxItems, "0");
    if (held.length < maxItems) held.push(...(await takeOver(maxItems - held.length)));
    if (held.length < maxItems) held.push(...(await read(maxItems - held.length, ">")));
    return held;
  } catch (error) {
    // An empty spool has no keys, and so no group.
    if (error instanceof Error && error.message.startsWith("NOGROUP")) return withGroup(redis, keys);
    throw error;
  }
}

type RawEntry = readonly [id: Buffer, fields: readonly Buffer[] | null];

/** An entry that was handled by another consumer meanwhile comes without its fields. */
function entriesOf(raw: readonly (RawEntry | null)[] | undefined): SpoolEntry[] {
  return (raw ?? []).flatMap((entry) => (entry?.[1] ? [{ id: entry[0].toString(), payload: entry[1][1]! }] : []));
}

/** Where somebody has deleted the group and left the stream, the next round finds the group again. */
async function withGroup(redis: Redis, keys: SpoolKeys): Promise<SpoolEntry[]> {
  if ((await redis.exists(keys.stream)) === 1) await redis.xgroup("CREATE", keys.stream, group, "0");
  return [];
}
