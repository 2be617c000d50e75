import type { Random } from "./random.ts";
import { anyValue } from "./values.ts";

/** The bytes, or what is left of them. */
export function mutateBytes(random: Random, bytes: Uint8Array): Buffer {
  let result = Buffer.from(bytes);
  for (let rounds = random.below(5); rounds > 0; rounds--) {
    const at = random.below(result.byteLength + 1);
    switch (random.below(5)) {
      case 0:
        result = result.subarray(0, at);
        break;
      case 1:
        result = Buffer.concat([result.subarray(0, at), random.bytes(random.below(20)), result.subarray(at)]);
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + random.below(20))]);
        break;
      case 3:
        result = Buffer.concat([result, result.subarray(at)]);
        break;
      default:
        if (at < result.byteLength) result[at] = random.below(256);
    }
  }
  return result;
}

/** The text with some of its characters changed, missing or doubled. */
export function mutateText(random: Random, text: string): string {
  let result = text;
  for (let rounds = 1 + random.below(3); rounds > 0; rounds--) {
    const at = random.below(result.length + 1);
    const more = random.pick([
      "",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      "\u0000",
      "null",
      "1e999",
      '"\\ud800"',
      "//",
    ]);
    result = result.slice(0, at) + more + result.slice(at + random.below(3));
  }
  return random.chance(0.1) ? result.slice(0, random.below(result.length + 1)) : result;
}

/** The value with something in it replaced, left out or added. */
export function mutateJson(random: Random, value: unknown): unknown {
  if (random.chance(0.25)) return anyValue(random);
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    return [...(value as unknown[]).slice(0, at), mutateJson(random, value[at]), ...(value as unknown[]).slice(at + 1)];
  }
  if (typeof value !== "object" || value === null) return random.chance(0.5) ? value : anyValue(random);
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  const [name, inner] = entries[at] ?? ["more", undefined];
  if (random.chance(0.2)) return Object.fromEntries(entries.toSpliced(at, 1));
  const newName = random.chance(0.15)
    ? random.pick(["", "__proto__", "recipientz", name.toUpperCase(), "\ud800"])
    : name;
  return Object.fromEntries(entries.toSpliced(at, 1, [newName, mutateJson(random, inner)]));
}
