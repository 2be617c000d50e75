import { HubError } from "@wahub/domain";

/** Runs `work`; whatever Redis answers in place of a result means that the spool cannot be used now. */
export async function answered<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw new HubError("unavailable", "the spool cannot be reached at the moment", { cause });
  }
}
