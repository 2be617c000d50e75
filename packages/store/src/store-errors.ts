import { HubError } from "@wahub/domain";

/** Answers of the operating system that mean: nobody there, or gone in the middle. */
const networkCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/**
 * Answers of PostgreSQL that mean: not now. Class 08 (connection exception), ended by an administrator, by a crash,
 * starting up or shutting down, and too many connections.
 */
const serverCodes = /^(08...|57P0[123]|53300)$/;

/** What pg and its pool say without a code. */
const driverMessages = [
  "timeout exceeded when trying to connect",
  "Connection terminated",
  "Client has encountered a connection error and is not queryable",
  "Cannot use a pool after calling end on the pool",
];

/**
 * Turns a failure to reach PostgreSQL into `HubError("unavailable")` and leaves any other error as it is. Whether a
 * statement that was on its way took effect is unknown then: only repeat what may be repeated.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof HubError || !isConnectionFailure(error)) return error;
  return new HubError("unavailable", "the database cannot be reached at the moment", { cause: error });
}

/** Runs `fn` and throws what `toStoreError` makes of its failure. */
export async function withStoreErrors<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    throw toStoreError(error);
  }
}

function isConnectionFailure(error: unknown): boolean {
  // Not asked for by class: what Node throws is of another one where tests run, in a context of their own.
  if (typeof error !== "object" || error === null) return false;
  const { code = "", message = "", cause } = error as { code?: unknown; message?: unknown; cause?: unknown };
  if (typeof code !== "string" || typeof message !== "string") return false;
  if (networkCodes.has(code) || serverCodes.test(code)) return true;
  if (code === "" && driverMessages.some((text) => message.includes(text))) return true;
  // MikroORM wraps what the driver threw.
  return isConnectionFailure(cause);
}
