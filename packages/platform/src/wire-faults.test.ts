import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import type { Violation } from "@wahub/domain";
import { BulkSendRequestSchema } from "@wahub/proto";
import { wireFaults } from "./wire-faults.ts";

type Init = MessageInitShape<typeof BulkSendRequestSchema>;
const faults = (init: Init): Violation[] => wireFaults(BulkSendRequestSchema, create(BulkSendRequestSchema, init));
const textOf = (body: string) => ({ content: { kind: { case: "text" as const, value: { body } } } });

describe("what a request may not carry", () => {
  test("is nothing at all in an ordinary one", () => {
    expect(
      faults({ ...textOf("Hi \u{1F600}"), recipients: [{ phone: "+1", metadata: { a: [1, { b: null }] } }] }),
    ).toEqual([]);
    expect(faults({})).toEqual([]);
  });

  test.each<[string, Init, Violation]>([
    [
      "half a surrogate pair in a text",
      textOf("\ud800"),
      { field: "content.text.body", reason: "text contains a lone surrogate" },
    ],
    [
      "the same in one of many recipients",
      { recipients: [{ phone: "+1" }, { phone: "\udc00" }] },
      { field: "recipients[1].phone", index: 1, reason: "text contains a lone surrogate" },
    ],
    [
      "a number that JSON cannot say",
      { metadata: { a: { b: Infinity } } },
      { field: "metadata", reason: "contains a number that is not finite" },
    ],
    [
      "the same in one of many recipients' metadata",
      { recipients: [{ metadata: { a: 1 } }, { metadata: { a: Number.NaN } }] },
      { field: "recipients[1].metadata", index: 1, reason: "contains a number that is not finite" },
    ],
  ])("%s is named with its place", (_what, init, fault) => expect(faults(init)).toEqual([fault]));

  test("is listed up to a hundred times", () => {
    expect(faults({ recipients: Array.from({ length: 500 }, () => ({ phone: "\ud800" })) })).toHaveLength(100);
  });
});
