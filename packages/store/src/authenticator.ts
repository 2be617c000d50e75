import { HubError } from "@wahub/domain";
import type { Pool } from "pg";
import { findApiKey } from "./api-keys.ts";
import { withStoreErrors } from "./store-errors.ts";

/** Who makes a call. */
export interface Caller {
  readonly tenantId: string;
  readonly keyId: string;
}

/** How long a key that was found is trusted without asking again: a revoked one works that much longer. */
const trustMs = 2_000;

/** Most keys remembered; beyond it all are forgotten and asked for again. */
const maxRemembered = 10_000;

/**
 * Checks the `authorization` value of a call: `Bearer <key>`.
 *
 * @throws HubError `unauthenticated` for a missing, malformed or unknown key (the three look different, a revoked and an
 *   unknown one do not); `unavailable` while the database cannot be asked
 */
export function createAuthenticator(pool: Pool): (authorization: string | undefined) => Promise<Caller> {
  const remembered = new Map<string, { caller: Caller; until: number }>();
  return async (authorization) => {
    const key = bearerKey(authorization);
    const known = remembered.get(key);
    if (known && performance.now() < known.until) return known.caller;
    const caller = await withStoreErrors(() => findApiKey(pool, key));
    if (!caller) throw new HubError("unauthenticated", "the API key is not valid");
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(key, { caller, until: performance.now() + trustMs });
    return caller;
  };
}

function bearerKey(authorization: string | undefined): string {
  if (!authorization) throw new HubError("unauthenticated", "send an API key: authorization: Bearer <key>");
  const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (!key) throw new HubError("unauthenticated", "authorization must be of the form: Bearer <key>");
  return key;
}
