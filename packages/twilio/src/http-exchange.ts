import type { Dispatcher } from "undici";
import { RequestFailure } from "./request-failure.ts";
import type { FailureKind } from "./request-failure.ts";

export interface HttpRequest {
  readonly method: Dispatcher.HttpMethod;
  /** Path and query. */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface ExchangeLimits {
  /** Monotonic time (`performance.now()`, ms) from which on the request is not started any more. */
  readonly sendBy: number;
  /** From the first byte of the request to the last of the answer. */
  readonly timeoutMs: number;
}

/** Twilio's answers have 1 to 2 kB, its longest lists about this much. */
export const maxAnswerBytes = 1024 * 1024;

const longestTimerMs = 2 ** 31 - 1;

/**
 * Makes one HTTP request and reads its whole answer. `sendBy` is checked when a connection is there and the bytes leave
 * next, so time spent waiting for a connection counts. Ends at the latest at `sendBy + timeoutMs`.
 *
 * Redirects are answers like any other and nothing is repeated.
 *
 * @throws {RequestFailure} where there is no whole answer
 */
export function exchangeOnce(
  dispatcher: Dispatcher,
  request: HttpRequest,
  limits: ExchangeLimits,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  let phase: "waiting" | "started" | "over" = "waiting";
  let timer: NodeJS.Timeout | undefined;
  let answer: Omit<HttpAnswer, "body"> | undefined;
  const chunks: Buffer[] = [];
  let size = 0;

  function end(settle: () => void): void {
    if (phase === "over") return;
    phase = "over";
    clearTimeout(timer);
    settle();
  }

  function fail(kind: FailureKind, code?: string): RequestFailure {
    const failure = new RequestFailure(kind, code);
    end(() => reject(failure));
    return failure;
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      // Throwing takes the request back before anything is written and leaves the connection as it is.
      if (phase === "started") throw fail("connection_lost"); // a request is written once, whatever the pool thinks
      if (phase === "over" || performance.now() >= limits.sendBy) throw fail("not_started");
      phase = "started";
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(fail("timeout")), limits.timeoutMs);
    },
    onResponseStart(_controller, status, headers) {
      if (status >= 200) answer = { status, headers };
    },
    onResponseData(controller, chunk) {
      size += chunk.length;
      if (size > maxAnswerBytes) controller.abort(fail("unreadable_answer"));
      else chunks.push(chunk);
    },
    onResponseEnd() {
      if (answer === undefined) fail("unreadable_answer");
      else resolveWith(answer);
    },
    onResponseError(_controller, error) {
      const code = codeOf(error);
      if (phase === "waiting") fail(isClosing(code) ? "not_started" : "not_sent", code);
      else fail(answer !== undefined || isProtocolFault(error) ? "unreadable_answer" : "connection_lost", code);
    },
  };

  function resolveWith(head: Omit<HttpAnswer, "body">): void {
    end(() => resolve({ ...head, body: Buffer.concat(chunks).toString("utf8") }));
  }

  try {
    dispatcher.dispatch({ ...request, idempotent: false }, handler);
  } catch (error) {
    fail(stillWaiting() ? "not_sent" : "connection_lost", codeOf(error));
  }
  if (stillWaiting()) {
    const waitMs = Math.min(Math.max(limits.sendBy - performance.now(), 0), longestTimerMs);
    timer = setTimeout(() => fail("not_started"), waitMs);
  }
  return promise;

  function stillWaiting(): boolean {
    return phase === "waiting"; // a call, because the compiler does not see that the handler may have run
  }
}

/** The system's word for an error, never its text: that may quote the request. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown[] };
  // Trying all addresses of a host in vain fails with a list.
  return typeof code === "string" ? code : codeOf(cause ?? errors?.[0]);
}

function isClosing(code: string | undefined): boolean {
  return code === "UND_ERR_CLOSED" || code === "UND_ERR_DESTROYED";
}

function isProtocolFault(error: Error): boolean {
  return error.name === "HTTPParserError" || error.name === "HeadersOverflowError";
}
