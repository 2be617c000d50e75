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
  return Array.isArray(value) ? faultOfItems(value, depth + 1) : faultOfFields(value, depth + 1);
}

function faultOfItems(items: readonly unknown[], depth: number): string | undefined {
  for (const item of items) {
    const fault = faultAt(item, depth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOfFields(fields: object, depth: number): string | undefined {
  // Not `Object.entries`: half a million small objects may come in one request.
  for (const name of Object.keys(fields)) {
    const fault = name.isWellFormed()
      ? faultAt((fields as Readonly<Record<string, unknown>>)[name], depth)
      : "contains a lone surrogate";
    if (fault !== undefined) return fault;
  }
  return undefined;
}
