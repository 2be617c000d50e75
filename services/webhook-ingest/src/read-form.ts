import type { IncomingMessage } from "node:http";
import type { CallbackForm } from "@wahub/twilio/webhooks";
import { Refusal } from "./refusal.ts";

/** Largest body; Twilio's callbacks have about one kilobyte. */
export const maxBodyBytes = 64 * 1024;

/** Most fields; sorting many more for the signature is work that nobody has paid for with a token yet. */
const maxFields = 500;

const formType = "application/x-www-form-urlencoded";

/**
 * Reads a webhook's form: POST only, urlencoded, at most 64 KiB, not compressed.
 *
 * @throws Refusal
 */
export async function readForm(req: IncomingMessage): Promise<CallbackForm> {
  if (req.method !== "POST") throw new Refusal("wrong_method");
  const type = (req.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type !== formType) throw new Refusal("wrong_content_type");
  if ((req.headers["content-encoding"] ?? "identity") !== "identity") throw new Refusal("wrong_content_type");
  return parseForm(await readBody(req));
}

/**
 * Decodes a form; a name that occurs more than once has a list.
 *
 * @throws Refusal
 */
export function parseForm(body: Uint8Array): CallbackForm {
  // No prototype: a field may be called anything.
  const form: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  let fields = 0;
  for (const [name, value] of new URLSearchParams(decodeUtf8(body))) {
    if (++fields > maxFields) throw new Refusal("malformed_form", `more than ${maxFields} fields`);
    const known = form[name];
    if (known === undefined) form[name] = value;
    else if (typeof known === "string") form[name] = [known, value];
    else known.push(value);
  }
  return form;
}

function decodeUtf8(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new Refusal("malformed_form", "the body is not UTF-8");
  }
}

async function readBody(req: IncomingMessage): Promise<Uint8Array> {
  if (Number(req.headers["content-length"] ?? 0) > maxBodyBytes) throw new Refusal("too_large");
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    // Leaving the loop early must not destroy the request: its socket still has to carry the answer.
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      const part = chunk as Buffer;
      bytes += part.byteLength;
      if (bytes > maxBodyBytes) throw new Refusal("too_large");
      chunks.push(part);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("malformed_form", "the body broke off");
  }
  return Buffer.concat(chunks);
}
