import { AsyncLocalStorage } from "node:async_hooks";
import twilio from "twilio";
import type RequestClient from "twilio/lib/base/RequestClient.js";
import { Pool } from "undici";
import { exchangeOnce } from "./http-exchange.ts";
import type { HttpAnswer, HttpRequest } from "./http-exchange.ts";
import { RequestFailure } from "./request-failure.ts";

export interface HttpClientOptions {
  /** Scheme, host and port that every request goes to, whatever the SDK makes of edges and regions. */
  readonly origin: string;
  readonly maxConnections: number;
  /** From the first byte of the request to the last of the answer. */
  readonly requestTimeoutMs: number;
}

/** One call of the SDK: its deadline, and what came of it. */
interface Exchange {
  readonly sendBy: number;
  answer?: HttpAnswer;
  failure?: RequestFailure;
}

/**
 * When a server drops an idle connection just as a request goes out, nobody knows the outcome. So idle connections are
 * dropped on this side first; Node and most proxies keep them for 5 s or longer.
 */
const idleConnectionMs = 4_000;

const connectTimeoutMs = 5_000;

/**
 * The SDK's HTTP client on undici: a fraction of the CPU of its axios, a bounded pool, and exact knowledge of whether a
 * request has started. Redirects are not followed and nothing is repeated.
 *
 * The SDK can neither hand a deadline down to its HTTP client nor hand the headers of an error up, so `exchange` carries
 * both around it.
 */
export class HttpClient extends twilio.RequestClient {
  readonly #pool: Pool;
  readonly #requestTimeoutMs: number;
  readonly #exchanges = new AsyncLocalStorage<Exchange>();

  constructor(options: HttpClientOptions) {
    super(); // builds an axios instance that is never used, once per process
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#pool = new Pool(options.origin, {
      connections: options.maxConnections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: idleConnectionMs,
      keepAliveMaxTimeout: idleConnectionMs,
      connect: { timeout: Math.min(connectTimeoutMs, options.requestTimeoutMs) },
      // One timer spans the whole exchange, which is stricter than timers on its parts.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * Runs one call of the SDK and returns the answer as it came over the wire, whatever its status.
   *
   * @param sendBy monotonic time (`performance.now()`, ms) from which on the request is not started any more
   * @throws {RequestFailure} where there is no whole answer
   */
  async exchange(sendBy: number, call: () => Promise<unknown>): Promise<HttpAnswer> {
    const exchange: Exchange = { sendBy };
    try {
      await this.#exchanges.run(exchange, call);
    } catch {
      // What the SDK throws says less than the exchange does.
    }
    if (exchange.answer !== undefined) return exchange.answer;
    // Where even that says nothing, nobody knows how far the request got.
    throw exchange.failure ?? new RequestFailure("connection_lost");
  }

  /** What the SDK calls. Outside `exchange` the time to start is as long as the time to answer. */
  override async request<TData>(options: RequestClient.RequestOptions<TData>): Promise<SdkResponse<TData>> {
    const exchange = this.#exchanges.getStore() ?? { sendBy: performance.now() + this.#requestTimeoutMs };
    try {
      const limits = { sendBy: exchange.sendBy, timeoutMs: this.#requestTimeoutMs };
      exchange.answer = await exchangeOnce(this.#pool, requestOf(options), limits);
    } catch (error) {
      if (error instanceof RequestFailure) exchange.failure = error;
      throw error;
    }
    const { status, headers, body } = exchange.answer;
    return { statusCode: status, headers, body: body as TData };
  }

  /** Waits for requests on their way, then closes all connections. */
  async close(): Promise<void> {
    if (!this.#pool.closed && !this.#pool.destroyed) await this.#pool.close();
  }
}

type SdkResponse<TData> = Awaited<ReturnType<typeof RequestClient.prototype.request<TData>>>;

function requestOf(options: RequestClient.RequestOptions<unknown>): HttpRequest {
  const { pathname, search } = new URL(options.uri);
  const query = options.params === undefined ? search : `?${formOf(options.params)}`;
  return {
    method: options.method.toUpperCase(),
    path: pathname + query,
    headers: { ...options.headers, Authorization: basicAuth(options.username, options.password) },
    body: options.data === undefined ? null : formOf(options.data as object),
  };
}

function basicAuth(username = "", password = ""): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Names and values as a form; a list repeats its name. */
function formOf(fields: object): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one));
  }
  return form.toString();
}
