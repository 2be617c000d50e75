import { HubError } from "@wahub/domain";
import type { Redis } from "ioredis";
import { answered } from "./answered.ts";
import { entryOverheadBytes, type SpoolKeys } from "./keys.ts";
import { group, readEntries, type SpoolEntry } from "./read-entries.ts";
import { loadScript } from "./script.ts";

export interface DrainOptions {
  /** Names this process among those that drain; another one each time it starts. */
  readonly consumer: string;
  /** Most facts in hand at once. */
  readonly maxItems: number;
  /** Facts in the hands of a consumer that has been silent for so long are taken over. More than a round takes. */
  readonly takeOverAfterMs: number;
  /** A fact that alone could not be handled so often is set aside. */
  readonly maxTries: number;
  /**
   * Handles facts, all or none. Thrown `unavailable`: none now; they stay in hand for the next round. Any other error: one
   * of them is at fault, and is found by halving.
   */
  readonly handle: (payloads: readonly Uint8Array[]) => Promise<void>;
  /** Told of each fact that alone could not be handled. */
  readonly onFailure: (failure: { readonly id: string; readonly error: unknown; readonly setAside: boolean }) => void;
}

export interface DrainResult {
  /** Facts that were handled and are gone from the spool. */
  readonly handled: number;
  /** There may be more: run again at once. */
  readonly again: boolean;
}

const remove = loadScript("remove");
const noteFailure = loadScript("note-failure");

/** One round: read, handle, take out. Dying anywhere in between means that somebody handles them again. */
export function createDrain(redis: Redis, keys: SpoolKeys) {
  return async (options: DrainOptions): Promise<DrainResult> => {
    const { handle, maxTries, onFailure } = options;
    let handled = 0;

    async function handleAll(entries: readonly SpoolEntry[]): Promise<void> {
      try {
        await handle(entries.map(({ payload }) => payload));
      } catch (error) {
        if (error instanceof HubError && error.kind === "unavailable") throw error;
        if (entries.length === 1) return fail(entries[0]!, error);
        const middle = entries.length >> 1;
        await handleAll(entries.slice(0, middle));
        return handleAll(entries.slice(middle));
      }
      const ids = entries.map(({ id }) => id);
      await answered(() => remove(redis, Object.values(keys), [group, entryOverheadBytes, ...ids]));
      handled += entries.length;
    }

    async function fail({ id }: SpoolEntry, error: unknown): Promise<void> {
      const { stream, failures, aside } = keys;
      const moved = await answered(() => noteFailure(redis, [stream, failures, aside], [group, id, maxTries]));
      onFailure({ id, error, setAside: moved === 1 });
    }

    const entries = await answered(() => readEntries(redis, keys, options));
    if (entries.length > 0) await handleAll(entries);
    return { handled, again: handled > 0 && entries.length >= options.maxItems };
  };
}
