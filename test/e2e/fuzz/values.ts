import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Random } from "./random.ts";

const texts = [
  "",
  " ",
  "Hello",
  "\u0000",
  "\ud800",
  "\udc00x",
  "\u{1F600}",
  "\u202e\ufeff\u200b",
  "'; drop table message; --",
  "${jndi:ldap://x}",
  "../../../etc/passwd",
  "<script>alert(1)</script>",
  "%00%0a%s%n{{1}}",
  "\\u0000",
  "NaN",
  "1e999",
  "null",
  "__proto__",
  "constructor",
];
const numbers = [0, -0, 1, -1, 0.1, 1e21, -1.7e308, 5e-324, 2 ** 31, 2 ** 53, Infinity, -Infinity, Number.NaN];

/** Any text: short, odd, or long. */
export function anyText(random: Random): string {
  const text = random.pick(texts);
  if (random.chance(0.8)) return text;
  return (random.chance(0.5) ? text || "x" : String.fromCodePoint(random.below(0xd800))).repeat(random.below(4000));
}

/** Any JSON value, and a few that JSON cannot say. */
export function anyValue(random: Random, depth = 0): JsonValue {
  const kind = random.below(depth > 5 ? 4 : 7);
  if (kind === 0) return anyText(random);
  if (kind === 1) return random.pick(numbers);
  if (kind === 2) return random.chance(0.5);
  if (kind === 3) return null;
  if (kind === 4) return nested(random, random.below(random.chance(0.9) ? 40 : 400));
  if (kind === 5) return Array.from({ length: random.below(6) }, () => anyValue(random, depth + 1));
  return anyObject(random, depth + 1);
}

export function anyObject(random: Random, depth = 0): JsonObject {
  return Object.fromEntries(
    Array.from({ length: random.below(6) }, () => [anyText(random).slice(0, 50), anyValue(random, depth + 1)]),
  );
}

function nested(random: Random, levels: number): JsonValue {
  let value: JsonValue = 1;
  const inLists = random.chance(0.5);
  for (let level = 0; level < levels; level++) value = inLists ? [value] : { a: value };
  return value;
}
