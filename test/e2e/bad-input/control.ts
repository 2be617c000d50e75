import { at, type BadCase, invalid } from "./bad-case.ts";

export const control: readonly BadCase[] = [
  ...(["pauseBatch", "resumeBatch"] as const).map((method): BadCase => ({
    name: `${method} of a canceled batch`,
    request: ({ canceledId: batchId }) => ({ control: { method, batchId } }),
    answer: ({ canceledId }) => ({
      kind: "not_now",
      violations: [],
      message: `batch ${canceledId} was canceled, which is final: send what is still wanted as a new batch`,
    }),
  })),
  {
    name: "canceling once more",
    request: ({ canceledId: batchId }) => ({ control: { method: "cancelBatch", batchId } }),
    answer: { accepted: 0, rejected: [] },
  },
  {
    name: "pausing for 501 characters",
    request: ({ batchId }) => ({ control: { method: "pauseBatch", batchId, reason: "x".repeat(501) } }),
    answer: invalid(at("reason", "must be at most 500 characters")),
  },
  {
    name: "NUL in the reason of a pause",
    request: ({ batchId }) => ({ control: { method: "pauseBatch", batchId, reason: "a\u0000" } }),
    answer: invalid(at("reason", "text contains a NUL character")),
  },
  {
    name: "pausing without a key",
    request: ({ batchId }) => ({ control: { method: "pauseBatch", batchId } }),
    authorization: () => undefined,
    answer: { kind: "unauthenticated", violations: [], message: "send an API key: authorization: Bearer <key>" },
  },
];
