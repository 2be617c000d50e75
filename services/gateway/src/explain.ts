import type { DescMessage } from "@bufbuild/protobuf";
import { type HubError, invalid } from "@wahub/domain";
import { unreadable } from "@wahub/platform";
import { jsonFaults } from "./json-faults.ts";

/** What the caller should have sent, and what came of it. */
export interface UnreadRequest {
  readonly schema: DescMessage;
  readonly header: Headers;
  readonly body: readonly Uint8Array[] | undefined;
}

/** Flag and length before a message in all formats that frame it. */
const frameHeadBytes = 5;

/**
 * What is wrong with a request that the library could not read: each fault with its place. Undefined where that cannot be
 * said (it came compressed or torn, or is no JSON at all).
 */
export function explain({ schema, header, body }: UnreadRequest): HubError | undefined {
  const type = /^application\/(?:(grpc-web|connect)(?:\+|(?=;|$)))?(json|proto)?\s*(?:;|$)/i.exec(
    header.get("content-type") ?? "",
  );
  if (type === null || body === undefined || body.length === 0 || isCompressed(header)) return undefined;
  const [, framed, format = "proto"] = type;
  const whole = Buffer.concat(body);
  const bytes = framed === undefined ? whole : messageInFrame(whole);
  if (bytes === undefined) return undefined;
  return format.toLowerCase() === "json" ? explainJson(schema, bytes) : unreadable(schema, bytes);
}

function explainJson(schema: DescMessage, bytes: Buffer): HubError | undefined {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  const faults = jsonFaults(schema, json);
  return faults.length > 0 ? invalid(faults) : undefined;
}

function messageInFrame(bytes: Buffer): Buffer | undefined {
  if (bytes.byteLength < frameHeadBytes || bytes[0] !== 0) return undefined;
  return bytes.subarray(frameHeadBytes, frameHeadBytes + bytes.readUInt32BE(1));
}

function isCompressed(header: Headers): boolean {
  return header.has("content-encoding") && header.get("content-encoding") !== "identity";
}
