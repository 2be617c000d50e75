import { readFileSync } from "node:fs";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { OutcomeFactSchema } from "@wahub/proto/jobs";
import { MalformedFactError, decodeOutcomeFact, encodeOutcomeFact } from "./outcome-fact.ts";

const at = timestampFromDate(new Date("2026-03-01T12:00:00.250Z"));
const fact = (result: MessageInitShape<typeof OutcomeFactSchema>["result"]) =>
  create(OutcomeFactSchema, {
    tenantId: "0195a1b2-c3d4-7e5f-8a7b-000000000001",
    messageId: "0195a1b2-c3d4-8e5f-8a7b-0123456789ab",
    attempt: 2,
    token: "6f9619ff-8b86-4011-b42d-00c04fc964ff",
    at,
    result: result!,
  });

const facts = {
  submitted: fact({ case: "submitted", value: { twilioSid: `SM${"0".repeat(32)}` } }),
  putBack: fact({
    case: "putBack",
    value: {
      nextAt: timestampFromDate(new Date("2026-03-01T12:01:00Z")),
      spendsTry: true,
      errorCode: 63018,
      errorMessage: "rate limit exceeded",
    },
  }),
  failed: fact({ case: "failed", value: { errorCode: 63024, errorMessage: "invalid recipient" } }),
  unanswered: fact({ case: "unanswered", value: { why: "timeout" } }),
};

/** Bytes as a release wrote them, by the kind of result. The file is never changed: a fact may wait through a rollout. */
const golden = JSON.parse(readFileSync(new URL("./golden/outcome-fact.0.1.0.json", import.meta.url), "utf8")) as Record<
  string,
  string
>;

describe.each(Object.entries(facts))("a fact of kind %s", (kind, one) => {
  test("is read back as it was written", () => {
    expect(decodeOutcomeFact(encodeOutcomeFact(one))).toEqual(one);
  });

  test("of release 0.1.0 is still understood", () => {
    expect(decodeOutcomeFact(Buffer.from(golden[kind]!, "base64"))).toEqual(one);
  });

  test("is written as release 0.1.0 understands it", () => {
    expect(Buffer.from(encodeOutcomeFact(one)).toString("base64")).toBe(golden[kind]);
  });
});

test("a fact of a later release is understood without its new fields", () => {
  // Field 15, a text.
  const later = Buffer.concat([encodeOutcomeFact(facts.submitted), Buffer.from([0x7a, 2, 0x68, 0x69])]);
  expect(decodeOutcomeFact(later)).toMatchObject({
    messageId: facts.submitted.messageId,
    result: facts.submitted.result,
  });
});

test.each([
  ["noise", Buffer.from("hello"), "does not decode"],
  ["nothing", Buffer.alloc(0), "tenantId"],
  ["no attempt", encodeOutcomeFact({ ...facts.failed, attempt: 0 }), "attempt"],
  ["no time", encodeOutcomeFact({ ...facts.failed, at: undefined }), "at is missing"],
  ["no result", encodeOutcomeFact({ ...facts.failed, result: { case: undefined } }), "no result"],
  ["no SID", encodeOutcomeFact(fact({ case: "submitted", value: { twilioSid: "" } })), "twilio_sid"],
  ["no time to come again", encodeOutcomeFact(fact({ case: "putBack", value: {} })), "next_at"],
])("a payload with %s is malformed", (_label, payload, fault) => {
  expect(() => decodeOutcomeFact(payload)).toThrow(MalformedFactError);
  expect(() => decodeOutcomeFact(payload)).toThrow(fault);
});
