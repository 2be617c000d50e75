import { HubError } from "@wahub/domain";
import { ensureBootstrapKey, hasAnyApiKey } from "./api-keys.ts";
import type { Store } from "./store.ts";

/**
 * A step of starting a service that callers reach: makes the bootstrap key, if there is one, a key of the default
 * tenant, and makes sure that somebody can get in at all.
 *
 * @throws HubError `not_now` where no key is in force, with words for whoever runs the service
 */
export async function requireApiKey(store: Store, bootstrapKey: string | undefined, now: Date): Promise<void> {
  if (bootstrapKey !== undefined) await ensureBootstrapKey(store, bootstrapKey, now);
  if (await hasAnyApiKey(store.pool)) return;
  throw new HubError(
    "not_now",
    bootstrapKey === undefined
      ? "nobody could call this service: the database holds no API key; set BOOTSTRAP_API_KEY to make one"
      : "nobody could call this service: every API key is revoked, the one in BOOTSTRAP_API_KEY too; set it to a new one",
  );
}
