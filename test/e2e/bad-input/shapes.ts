import { at, type BadCase, invalid } from "./bad-case.ts";
import { bothPlus, goodJson, goodRest, plus, recipientsJson } from "./orders.ts";

export const shapes: readonly BadCase[] = [
  {
    name: "wrong types",
    request: {
      json: '{"content":{"text":{"body":1}},"recipients":[{"phone":12125550123},{"phone":"+1","metadata":[]}],"metadata":"m"}',
      restJson: '{"message":1,"recipients":[{"phone":12125550123},{"phone":"+1","metadata":[]}],"metadata":"m"}',
    },
    answer: invalid(
      at("content.text.body", "must be a text"),
      at("recipients[0].phone", "must be a text"),
      at("recipients[1].metadata", "must be an object"),
      at("metadata", "must be an object"),
    ),
  },
  {
    name: "a choice that is neither true nor false",
    request: {
      json: plus(goodJson, '"allOrNothing":"yes"'),
      restJson: plus(goodRest, '"all_or_nothing":"yes"'),
    },
    answer: invalid(at("all_or_nothing", "must be true or false")),
  },
  {
    name: "a text for the list",
    request: recipientsJson('"+12125550123"'),
    answer: invalid(at("recipients", "must be a list")),
  },
  {
    name: "null in the list",
    request: recipientsJson('[{"phone":"+12125550123"},null]'),
    answer: invalid(at("recipients[1]", "must not be null")),
    // It takes bare numbers as well.
    apart: { REST: { violations: [at("recipients[1]", "must be a phone number as text, or { phone, metadata }")] } },
  },
  {
    name: "an unknown field",
    request: bothPlus('"recipientz":[]'),
    answer: invalid(at("recipientz", "there is no such field")),
  },
  {
    name: "an unknown field of a recipient",
    request: recipientsJson('[{"phone":"+12125550123"},{"phone":"+12125550124","name":"Ann"}]'),
    answer: invalid(at("recipients[1].name", "there is no such field")),
  },
  {
    name: "JSON that is no object",
    request: { json: "[]", restJson: "[]" },
    answer: invalid(at("body", "must be an object")),
  },
];
