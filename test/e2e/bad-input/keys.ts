import { at, type BadCase } from "./bad-case.ts";
import { good } from "./orders.ts";

const noKey = "send an API key: authorization: Bearer <key>";

export const keys: readonly BadCase[] = [
  {
    name: "no key",
    request: { order: good },
    authorization: () => undefined,
    answer: { kind: "unauthenticated", violations: [], message: noKey },
  },
  {
    name: "no key, for reading",
    request: ({ batchId }) => ({ getBatch: batchId }),
    authorization: () => undefined,
    answer: { kind: "unauthenticated", violations: [], message: noKey },
  },
  {
    name: "a wrong key",
    request: { order: good },
    authorization: () => "Bearer wahub_wrong",
    answer: { kind: "unauthenticated", violations: [], message: "the API key is not valid" },
  },
  {
    name: "a wrong key, for watching",
    request: ({ batchId }) => ({ watchBatch: batchId }),
    authorization: () => "Bearer wahub_wrong",
    answer: { kind: "unauthenticated", violations: [], message: "the API key is not valid" },
  },
  {
    name: "a key in another form",
    request: { order: good },
    authorization: ({ key }) => `Basic ${key}`,
    answer: {
      kind: "unauthenticated",
      violations: [],
      message: "authorization must be of the form: Bearer <key>",
    },
  },
  {
    name: "a key before a bad body",
    request: { order: { text: "" } },
    authorization: () => "Bearer wahub_wrong",
    answer: { kind: "unauthenticated", violations: [], message: "the API key is not valid" },
    // It reads the shape of the body before it asks dispatch, which knows the keys.
    apart: { REST: { kind: "invalid", message: undefined, violations: [at("recipients", "must be a list")] } },
  },
  {
    name: "a tenant without a sender",
    request: { order: good },
    authorization: ({ otherKey }) => `Bearer ${otherKey}`,
    answer: {
      kind: "not_now",
      violations: [],
      message: "no WhatsApp sender is configured: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_WHATSAPP_FROM",
    },
  },
];
