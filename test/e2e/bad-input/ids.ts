import { randomUUID } from "node:crypto";
import type { Request } from "../doors/index.ts";
import { at, type BadCase, invalid, type Known } from "./bad-case.ts";

const notUuid = "must be a valid UUID";
const unknownId = randomUUID();

/** For each way of asking for something by its id: the request, the field and what it is called. */
const lookups: readonly (readonly [string, (id: string) => Request, string, string])[] = [
  ["batch", (id) => ({ getBatch: id }), "batch_id", "batch"],
  ["message", (id) => ({ getMessage: id }), "message_id", "message"],
  ["batch to list", (id) => ({ listMessages: { batchId: id } }), "batch_id", "batch"],
  ["batch to watch", (id) => ({ watchBatch: id }), "batch_id", "batch"],
  ["batch to pause", (id) => ({ control: { method: "pauseBatch", batchId: id } }), "batch_id", "batch"],
  ["batch to resume", (id) => ({ control: { method: "resumeBatch", batchId: id } }), "batch_id", "batch"],
  ["batch to cancel", (id) => ({ control: { method: "cancelBatch", batchId: id } }), "batch_id", "batch"],
];

export const ids: readonly BadCase[] = lookups.flatMap(([what, request, field, noun]): BadCase[] => {
  const known = (all: Known): string => (noun === "batch" ? all.batchId : all.messageId);
  return [
    {
      name: `an unknown ${what}`,
      request: request(unknownId),
      answer: { kind: "not_found", violations: [], message: `${noun} ${unknownId} not found` },
    },
    {
      name: `another tenant's ${what}`,
      request: (all) => request(known(all)),
      authorization: ({ otherKey }) => `Bearer ${otherKey}`,
      answer: (all) => ({ kind: "not_found", violations: [], message: `${noun} ${known(all)} not found` }),
    },
    {
      name: `a ${what} by an id that is none`,
      request: request("12345' or 1=1 --"),
      answer: invalid(at(field, notUuid)),
    },
    {
      name: `a ${what} without an id`,
      request: request(""),
      answer: invalid(at(field, "value is empty, which is not a valid UUID")),
    },
  ];
});
