/**
 * Deepest nesting of a JSON value, the value itself counted. Protobuf readers give up at 100 nested messages, in some
 * languages a level of an object takes three of them, and what was taken in must come out again everywhere.
 */
export const maxJsonDepth = 32;

/** What keeps a JSON value from being carried through every door and back, if anything. */
export function jsonFault(value: unknown): string | undefined {
  return faultAt(value, 1);
}

function faultAt(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : "contains a lone surrogate";
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "contains a number that is not finite";
  if (typeof value !== "object" || value === null) return undefined;
  if (depth > maxJsonDepth) return `is nested more than ${maxJsonDepth} levels deep`;
  for (const [name, inner] of Object.entries(value)) {
    const fault = name.isWellFormed() ? faultAt(inner, depth + 1) : "contains a lone surrogate";
    if (fault !== undefined) return fault;
  }
  return undefined;
}
