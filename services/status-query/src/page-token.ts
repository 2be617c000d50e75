import { createHash } from "node:crypto";
import { invalid, isUuid } from "@wahub/domain";
import type { MessageStatus } from "@wahub/proto";

/** What a page token belongs to: with another filter it means nothing. */
export interface PageFilter {
  readonly batchId: string;
  readonly statuses: readonly MessageStatus[];
}

const idBytes = 16;
const checkBytes = 6;

/** The token of the page behind `lastId`: the id and a check over the filter, so that a foreign or torn one is noticed. */
export function writePageToken(lastId: string, filter: PageFilter): string {
  const id = Buffer.from(lastId.replaceAll("-", ""), "hex");
  return Buffer.concat([id, check(id, filter)]).toString("base64url");
}

/**
 * The id behind which the page begins; undefined for the first page.
 *
 * @throws HubError `invalid` for a token that is no token, or one of another batch or other statuses
 */
export function readPageToken(token: string, filter: PageFilter): string | undefined {
  if (token === "") return undefined;
  const bytes = Buffer.from(token, "base64url");
  const id = bytes.subarray(0, idBytes);
  const intact =
    bytes.length === idBytes + checkBytes &&
    bytes.toString("base64url") === token &&
    bytes.subarray(idBytes).equals(check(id, filter));
  const text = id.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  if (intact && isUuid(text)) return text;
  throw invalid([
    {
      field: "page_token",
      reason: "not the next_page_token of a page of this batch with these statuses; begin again without one",
    },
  ]);
}

function check(id: Buffer, { batchId, statuses }: PageFilter): Buffer {
  const filter = JSON.stringify([batchId, [...new Set(statuses)].toSorted((a, b) => a - b)]);
  return createHash("sha256").update(id).update(filter).digest().subarray(0, checkBytes);
}
