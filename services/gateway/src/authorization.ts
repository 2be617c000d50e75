import { HubError } from "@wahub/domain";

/**
 * Refuses a request without an `authorization: Bearer <key>` before anything of its body is read. Whether the key is
 * good is for the service behind to say, which has the database; this one has none.
 *
 * @throws HubError `unauthenticated`
 */
export function refuseWithoutKey(authorization: string | null | undefined): void {
  if (!authorization) throw new HubError("unauthenticated", "send an API key: authorization: Bearer <key>");
  // Also: only what may travel in gRPC metadata, whose own complaint would quote the key.
  if (!/^Bearer +[\x21-\x7e]+$/i.test(authorization)) {
    throw new HubError("unauthenticated", "authorization must be of the form: Bearer <key>");
  }
}
