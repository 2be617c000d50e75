import type { IncomingMessage } from "node:http";
import { TwilioFault } from "./twilio-fault.ts";

const MAX_BYTES = 1_048_576;

/** A decoded form. */
export type Form = URLSearchParams;

/** Reads a form body. Rejects when the client leaves before its end or sends more than 1 MiB. */
export function readForm(req: IncomingMessage): Promise<Form> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    req.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BYTES) chunks.push(chunk);
    });
    req.on("end", () => {
      if (bytes > MAX_BYTES) reject(new TwilioFault(413, 20413, "Request body too large"));
      else resolve(new URLSearchParams(Buffer.concat(chunks).toString("utf8")));
    });
    // An aborted request emits both; the error itself says no more than that.
    req.on("error", () => {});
    req.on("close", () => {
      if (!req.complete) reject(new TwilioFault(400, 20400, "The request ended early"));
    });
  });
}

/** A parameter's first value; an empty one counts as not given. */
export function one(form: Form, name: string): string | undefined {
  return form.get(name) || undefined;
}

/** Every value of a parameter that is not empty. */
export function all(form: Form, name: string): readonly string[] {
  return form.getAll(name).filter((value) => value !== "");
}
