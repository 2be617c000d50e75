import { randomUUID } from "node:crypto";

/** Name of the header, in HTTP and in gRPC metadata, that carries a request's id from door to door. */
export const requestIdHeader = "x-request-id";

/** The id a request came with, if it is fit for logs and headers (8 to 128 harmless characters); else a new one. */
export function requestIdOf(headerValue?: unknown): string {
  return typeof headerValue === "string" && /^[A-Za-z0-9._:-]{8,128}$/.test(headerValue) ? headerValue : randomUUID();
}
