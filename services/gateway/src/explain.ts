import type { DescMessage } from "@bufbuild/protobuf";
import { type HubError, invalid } from "@wahub/domain";
import { unreadable } from "@wahub/platform";
import { jsonFaults } from "./json-faults.ts";
import { framedMessages, requestFormat } from "./request-format.ts";

/** What the caller should have sent, and what came of it. */
export interface UnreadRequest {
  readonly schema: DescMessage;
  readonly header: Headers;
  readonly body: readonly Uint8Array[] | undefined;
}

/**
 * What is wrong with a request that the library could not read: each fault with its place. Undefined where that cannot be
 * said (it came compressed or torn, or is no JSON at all).
 */
export function explain({ schema, header, body }: UnreadRequest): HubError | undefined {
  const format = requestFormat(header);
  if (format === undefined || format.compression !== undefined || body === undefined || body.length === 0)
    return undefined;
  const whole = Buffer.concat(body);
  const bytes = format.isFramed ? firstMessage(whole) : whole;
  if (bytes === undefined) return undefined;
  return format.format === "json" ? explainJson(schema, bytes) : unreadable(schema, bytes);
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

function firstMessage(body: Buffer): Buffer | undefined {
  const [first] = framedMessages(body);
  return first === undefined || first.isCompressed ? undefined : first.bytes;
}
