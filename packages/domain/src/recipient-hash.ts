import { createKeyedDigest } from "./keyed-digest.ts";

/** Long enough never to collide among billions, short enough for a limit key in Redis. */
const hashBytes = 16;

/**
 * A stand-in for a recipient where the number itself must not appear: in Redis, and after a person's data is erased.
 *
 * @param tenantKey the tenant's secret, so that nobody else can test numbers against the hash
 * @returns a function that gives the hash for a recipient key as `parseRecipient` returns it
 */
export function createRecipientHash(tenantKey: Buffer): (recipientKey: string) => Buffer {
  const digest = createKeyedDigest(tenantKey);
  return (recipientKey) => digest(recipientKey).subarray(0, hashBytes);
}
