import { HubError } from "@wahub/domain";

/** PostgreSQL or Redis does not answer; everything else is a fault. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof HubError && error.kind === "unavailable";
}

/** Undefined where the other side is away. */
export async function ifAvailable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isUnavailable(error)) return undefined;
    throw error;
  }
}
