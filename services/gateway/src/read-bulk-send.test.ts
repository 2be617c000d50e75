import { describe, expect, test } from "@jest/globals";
import { HubError, type Violation } from "@wahub/domain";
import { readBulkSend } from "./read-bulk-send.ts";

const good = { recipients: ["+14155550100"], message: "hi" };

describe("the body of POST /bulk-send", () => {
  test("recipients may be texts or objects, under either name", () => {
    const recipients = ["+1", { phone: "+2" }, { phone_number: "+3", metadata: { a: 1 } }];
    const expected = [{ phone: "+1" }, { phone: "+2" }, { phone: "+3", metadata: { a: 1 } }];
    expect(readBulkSend({ recipients, message: "hi" }, undefined)).toMatchObject({
      list: "recipients",
      request: { recipients: expected },
    });
    expect(readBulkSend({ phone_numbers: recipients, message: "hi" }, undefined)).toMatchObject({
      list: "phone_numbers",
      request: { recipients: expected },
    });
  });

  test("what is left out has its default, and null is as good as absent", () => {
    const { request } = readBulkSend({ ...good, metadata: null }, undefined);
    expect(request).toMatchObject({
      idempotencyKey: "",
      content: { kind: { case: "text", value: { body: "hi" } } },
      recipients: [{ phone: "+14155550100" }],
      allOrNothing: false,
    });
    expect(request.metadata).toBeUndefined();
  });

  const faulty: readonly (readonly [string, unknown, readonly Partial<Violation>[]])[] = [
    ["no object", [good], [{ field: "body" }]],
    ["nothing", undefined, [{ field: "body" }]],
    ["no recipients", { message: "hi" }, [{ field: "recipients" }]],
    [
      "both lists",
      { ...good, phone_numbers: [] },
      [{ field: "phone_numbers", reason: "give either this or recipients" }],
    ],
    ["a list that is none", { message: "hi", phone_numbers: "+1" }, [{ field: "phone_numbers" }]],
    ["a message that is no text", { ...good, message: { body: "hi" } }, [{ field: "message" }]],
    ["metadata that is no object", { ...good, metadata: [1] }, [{ field: "metadata" }]],
    ["an unknown field", { ...good, all_or_none: true }, [{ field: "all_or_none" }]],
    [
      "recipients that are none",
      { ...good, recipients: [null, 5, {}, { phone: 5 }] },
      [0, 1, 2, 3].map((index) => ({ index, field: `recipients[${index}]${index < 2 ? "" : ".phone"}` })),
    ],
    [
      "a recipient with an unknown field",
      { ...good, recipients: [{ phone: "+1", name: "Ann" }] },
      [{ field: "recipients[0].name", index: 0 }],
    ],
    [
      "a recipient with two numbers",
      { ...good, recipients: [{ phone: "+1", phone_number: "+2" }] },
      [{ field: "recipients[0].phone_number", index: 0 }],
    ],
    [
      "half a surrogate pair",
      { message: "\ud800", recipients: [{ phone: "+1", metadata: { a: ["\udc00"] } }] },
      [{ field: "message" }, { field: "recipients[0].metadata", index: 0 }],
    ],
    ["a number without end", { ...good, metadata: { n: Infinity } }, [{ field: "metadata" }]],
    [
      "half a pair in a bare number",
      { message: "hi", phone_numbers: ["+1", "\ud800"] },
      [{ field: "phone_numbers[1]", index: 1, reason: "text contains a lone surrogate" }],
    ],
  ];
  test.each(faulty)("%s is refused by name", (_name, body, violations) => {
    expect(faultsOf(body)).toMatchObject(violations);
    expect(faultsOf(body)).toHaveLength(violations.length);
  });

  test("an empty idempotency key is a mistake and not no key", () => {
    expect(faultsOf(good, "")).toMatchObject([{ field: "Idempotency-Key" }]);
  });

  test("of very many faults the first thousand are listed and all are counted", () => {
    const error = refusal({ message: "hi", recipients: Array.from({ length: 5_000 }, () => 7) });
    expect(error.violations).toHaveLength(1_000);
    expect(error.message).toContain("(and 4999 more)");
  });
});

function refusal(body: unknown, key?: string): HubError {
  try {
    readBulkSend(body, key);
  } catch (error) {
    if (error instanceof HubError && error.kind === "invalid") return error;
    throw error;
  }
  throw new Error("should have been refused");
}

function faultsOf(body: unknown, key?: string): readonly Violation[] {
  return refusal(body, key).violations;
}
