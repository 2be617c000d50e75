import { at, type BadCase, invalid, jsonDoors } from "./bad-case.ts";
import { good, halfPair, phone } from "./orders.ts";

const textField = "content.text.body";

export const texts: readonly BadCase[] = [
  { name: "an empty text", request: { order: { ...good, text: "" } }, answer: invalid(at(textField, "text is empty")) },
  {
    name: "a blank text",
    request: { order: { ...good, text: " \n\u00a0" } },
    answer: invalid(at(textField, "text is empty")),
  },
  {
    name: "no text",
    request: { order: { recipients: [{ phone }] } },
    answer: invalid(at("content", "value is required")),
    // There is no content around its text.
    apart: { REST: { violations: [at(textField, "must be a text")] } },
  },
  {
    name: "a text of 1,600 characters",
    request: { order: { ...good, text: "x".repeat(1600) } },
    answer: { accepted: 1, rejected: [] },
  },
  {
    name: "a text of 1,600 characters outside the basic plane",
    request: { order: { ...good, text: "\u{1F600}".repeat(1600) } },
    answer: { accepted: 1, rejected: [] },
  },
  {
    name: "a text of 1,601 characters",
    request: { order: { ...good, text: "x".repeat(1601) } },
    answer: invalid(at(textField, "text has 1601 characters; at most 1600 are allowed")),
  },
  {
    name: "a text of 1,601 characters outside the basic plane",
    request: { order: { ...good, text: "\u{1F600}".repeat(1601) } },
    answer: invalid(at(textField, "text has 1601 characters; at most 1600 are allowed")),
  },
  {
    name: "NUL in the text",
    request: { order: { ...good, text: "a\u0000b" } },
    answer: invalid(at(textField, "text contains a NUL character")),
  },
  {
    name: "half a surrogate pair in the text",
    only: jsonDoors,
    request: { order: { ...good, text: halfPair } },
    answer: invalid(at(textField, "text contains a lone surrogate")),
  },
];
