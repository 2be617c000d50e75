import { createHmac } from "node:crypto";

/** Long enough never to collide among billions, short enough for a limit key in Redis. */
const hashBytes = 16;

/**
 * A stand-in for a recipient where the number itself must not appear: in Redis, and after a person's data is erased.
 *
 * @param tenantKey the tenant's secret, so that nobody else can test numbers against the hash
 * @param recipientKey as `parseRecipient` returns it
 */
export function recipientHash(tenantKey: Buffer, recipientKey: string): Buffer {
  return createHmac("sha256", tenantKey).update(recipientKey).digest().subarray(0, hashBytes);
}
