import type { Pool } from "pg";
import { claimMessages, type Claim, type ClaimRequest } from "./claim-messages.ts";
import { rereadClaims } from "./reread-claims.ts";

/**
 * Claims again what may have been claimed already, with the same tokens: for a claim whose answer was lost with its
 * connection. Who holds a claim afterwards is told so, whichever statement granted it.
 *
 * The lost statement may still be running. It and the new one lock the same row, so one of them grants and the other is
 * refused; where it was the lost one, a second look by token finds it.
 *
 * @returns one entry per request, in order; undefined for a refused one
 */
export async function recoverClaims(
  pool: Pool,
  requests: readonly ClaimRequest[],
  options: { now: Date; leaseMs: number },
): Promise<(Claim | undefined)[]> {
  const held = await rereadClaims(pool, requests);
  await fill(held, requests, (missing) => claimMessages(pool, missing, options));
  await fill(held, requests, (missing) => rereadClaims(pool, missing));
  return held;
}

/** Asks for those that are not held yet. */
async function fill(
  held: (Claim | undefined)[],
  requests: readonly ClaimRequest[],
  ask: (missing: readonly ClaimRequest[]) => Promise<(Claim | undefined)[]>,
): Promise<void> {
  const missing = requests.flatMap((request, at) => (held[at] === undefined ? [{ request, at }] : []));
  if (missing.length === 0) return;
  const found = await ask(missing.map(({ request }) => request));
  missing.forEach(({ at }, i) => (held[at] = found[i]));
}
