import { at, type BadCase, invalid, rpcDoors } from "./bad-case.ts";
import { good } from "./orders.ts";

export const idempotencyKeys: readonly BadCase[] = [
  {
    name: "an idempotency key of 255 characters",
    request: { order: { ...good, idempotencyKey: "k".repeat(255) } },
    // The first door stores the batch, the others are told of it.
    answer: { accepted: 1, rejected: [] },
  },
  {
    name: "an idempotency key of 256 characters",
    request: { order: { ...good, idempotencyKey: "k".repeat(256) } },
    answer: invalid(at("idempotency_key", "must be at most 255 characters")),
  },
  {
    name: "NUL in the idempotency key",
    // A header cannot carry it.
    only: [...rpcDoors, "gRPC stream"],
    request: { order: { ...good, idempotencyKey: "a\u0000b" } },
    answer: invalid(at("idempotency_key", "text contains a NUL character")),
  },
  {
    name: "an idempotency key that belongs to another order",
    request: ({ usedKey }) => ({ order: { ...good, text: "Something else", idempotencyKey: usedKey } }),
    answer: ({ batchId }) => ({
      kind: "conflict",
      violations: [],
      message: `this idempotency key belongs to batch ${batchId} with other content; use a new key for a new batch`,
    }),
  },
];
