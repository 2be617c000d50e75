import { Agent } from "undici";
import type { Dispatcher } from "undici";
import type { CallbackResult } from "../messages/callback-outcome.ts";
import type { CallbackTarget } from "./target.ts";

/** Idle sockets go before a receiver's usual 5 s are over: a reset on reuse would look like a lost callback. */
const KEEP_ALIVE_MS = 3_000;

const NO_CONNECTION = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const NO_ANSWER_IN_TIME = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]);

/** Makes single POSTs over kept-alive connections. */
export interface Poster {
  /** One attempt, at most `readTimeoutMs` from connection to answer; never rejects. */
  post(
    target: CallbackTarget,
    body: string,
    headers: Readonly<Record<string, string>>,
    readTimeoutMs: number,
  ): Promise<CallbackResult>;
  /** Breaks off what is under way and closes every connection. */
  close(): Promise<void>;
}

/** Creates a poster. It opens as many sockets as it is given POSTs at once; the caller sets the bound. */
export function createPoster(): Poster {
  // undici sets the connect timeout per agent; callbacks of one campaign share theirs.
  const agents = new Map<number, Agent>();
  const agentFor = (connectTimeoutMs: number): Agent => {
    let agent = agents.get(connectTimeoutMs);
    if (agent === undefined) {
      agent = new Agent({
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connect: { timeout: connectTimeoutMs },
      });
      agents.set(connectTimeoutMs, agent);
    }
    return agent;
  };

  return {
    post: ({ origin, path, policy }, body, headers, readTimeoutMs) =>
      new Promise((resolve) => {
        try {
          agentFor(policy.connectTimeoutMs).dispatch(
            { origin, path, method: "POST", body, headers, headersTimeout: readTimeoutMs, bodyTimeout: readTimeoutMs },
            statusOnly(resolve),
          );
        } catch (error) {
          resolve(endOf(error));
        }
      }),
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

/** Keeps the status and lets the body go by: cheaper than a stream per answer. */
function statusOnly(resolve: (result: CallbackResult) => void): Dispatcher.DispatchHandler {
  let httpStatus = 0;
  return {
    onRequestStart() {},
    onResponseStart(_controller, statusCode) {
      httpStatus = statusCode;
    },
    onResponseData() {},
    onResponseEnd() {
      resolve(httpStatus);
    },
    onResponseError(_controller, error) {
      resolve(endOf(error));
    },
  };
}

function endOf(error: unknown): CallbackResult {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (NO_CONNECTION.has(code) || code.startsWith("ERR_TLS") || code.includes("CERT")) return "connect_failed";
  return NO_ANSWER_IN_TIME.has(code) ? "timed_out" : "connection_lost";
}
