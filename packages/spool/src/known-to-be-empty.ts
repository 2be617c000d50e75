import { HubError } from "@wahub/domain";
import type { Spool } from "./spool.ts";

/**
 * For whoever may conclude something only when no fact is under way here: true when the spool is known to be empty, false
 * also where Redis does not answer.
 */
export function knownToBeEmpty(spool: Pick<Spool, "isEmpty">): () => Promise<boolean> {
  return async () => {
    try {
      return await spool.isEmpty();
    } catch (error) {
      if (error instanceof HubError && error.kind === "unavailable") return false;
      throw error;
    }
  };
}
