import type { IncomingMessage } from "node:http";
import { createContextKey } from "@connectrpc/connect";

/** How a call came in. `none`: at a path where nothing is. */
export type Door = "connect" | "grpc_web" | "rest" | "none";

/** What is known about one call while it runs and when it is over. */
export interface CallFacts {
  /** The caller's, or new; on the answer, on the calls behind it and in the log. */
  readonly requestId: string;
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
  readonly door: Door;
  /** From a closed set: `whatsapphub.v1.DispatchService/BulkSend`, `/bulk-send`, `unknown`. */
  readonly route: string;
  /** What has come of an RPC's body, until the request is understood: a refusal is explained by it. */
  body?: Uint8Array[] | undefined;
  /** gRPC code of a refusal, whatever the door; unset while all is well. */
  code?: number;
  /** What it was refused for. */
  error?: unknown;
}

/** Where handlers of RPCs find the facts of their call. */
export const callFactsKey = createContextKey<CallFacts>(
  { requestId: "", startedAt: 0, door: "none", route: "unknown" },
  { description: "facts of the call" },
);

const facts = new WeakMap<IncomingMessage, CallFacts>();

export function rememberFacts(req: IncomingMessage, known: CallFacts): void {
  facts.set(req, known);
}

/** The facts of a request that came through `createAccess`, as all do. */
export function factsOf(req: IncomingMessage): CallFacts {
  const known = facts.get(req);
  if (known === undefined) throw new Error("the request has not been checked in");
  return known;
}
