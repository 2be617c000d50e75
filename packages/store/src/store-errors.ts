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
 * starting up or shutting down, a session that was ended because it held locks and said nothing, and a server that only
 * reads: after a failover the old one.
 */
const serverCodes = /^(08...|57P0[123]|25P03|25006)$/;

/**
 * Answers of PostgreSQL that mean: I cannot work. Class 53 (disk full, out of memory, too many connections) and class 58
 * (an error of its system). No row is at fault, and none is refused for good.
 */
const unfitCodes = /^(53|58)...$/;

/** What pg and its pool say without a code. */
const driverMessages = [
  "timeout exceeded when trying to connect",
  "Connection terminated",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
  "Cannot use a pool after calling end on the pool",
];

/** The statement took longer than it may: canceled by PostgreSQL, or given up by the driver. */
const canceledCode = "57014";
const givenUpMessage = "Query read timeout";

/**
 * Turns a failure of PostgreSQL as such, to be reached, to work, or to answer in time, into `HubError("unavailable")` and leaves any other
 * error as it is. Whether a statement that was on its way took effect is unknown then: only repeat what may be repeated.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof HubError) return error;
  const text = unavailability(error);
  return text === undefined ? error : new HubError("unavailable", text, { cause: error });
}

/** Runs `fn` and throws what `toStoreError` makes of its failure. */
export async function withStoreErrors<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    throw toStoreError(error);
  }
}

function unavailability(error: unknown): string | undefined {
  // Not asked for by class: what Node throws is of another one where tests run, in a context of their own.
  if (typeof error !== "object" || error === null) return undefined;
  const { code = "", message = "", cause } = error as { code?: unknown; message?: unknown; cause?: unknown };
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  if (isConnectionFailure(code, message)) return "the database cannot be reached at the moment";
  if (unfitCodes.test(code)) return "the database cannot work at the moment";
  if (code === canceledCode || (code === "" && message === givenUpMessage))
    return "the database takes too long to answer";
  // MikroORM wraps what the driver threw.
  return unavailability(cause);
}

function isConnectionFailure(code: string, message: string): boolean {
  if (networkCodes.has(code) || serverCodes.test(code)) return true;
  return code === "" && driverMessages.some((text) => message.includes(text));
}
