import { describe, expect, test } from "@jest/globals";
import type { Dispatcher } from "undici";
import { HttpClient } from "./http-client.ts";
import { exchangeOnce } from "./http-exchange.ts";

const request = { method: "POST", path: "/", headers: {}, body: "" } as const;
const inTime = (): { sendBy: number; timeoutMs: number } => ({ sendBy: performance.now() + 1_000, timeoutMs: 1_000 });
const controller = { abort: () => {} } as unknown as Dispatcher.DispatchController;

/** Throws in the middle of `dispatch`, before or after the request has started. */
const throwing = (hasStarted: boolean): Dispatcher =>
  ({
    dispatch(_options: unknown, handler: Dispatcher.DispatchHandler) {
      if (hasStarted) handler.onRequestStart?.(controller, {});
      throw Object.assign(new Error("surprise"), { code: "SURPRISE" });
    },
  }) as unknown as Dispatcher;

describe("a pool that throws", () => {
  test("before the request has started: nothing was sent", async () => {
    const failed = exchangeOnce(throwing(false), request, inTime());
    await expect(failed).rejects.toMatchObject({ kind: "not_sent", code: "SURPRISE" });
  });

  test("once it has started: nobody can say", async () => {
    const failed = exchangeOnce(throwing(true), request, inTime());
    await expect(failed).rejects.toMatchObject({ kind: "connection_lost", code: "SURPRISE" });
  });
});

test("a call of the SDK that ends with neither answer nor failure: nobody can say how far it got", async () => {
  const client = new HttpClient({ origin: "http://127.0.0.1:1", maxConnections: 1, requestTimeoutMs: 1_000 });
  const failed = client.exchange(performance.now() + 1_000, () => Promise.reject(new TypeError("surprise")));
  await expect(failed).rejects.toMatchObject({ kind: "connection_lost" });
  await client.close();
});
