// Parsers for ConfigKey.parse. Each throws an Error that says what would be right; none repeats the value it was given,
// because the value may be a secret.

/** Any text. */
export const string = (text: string): string => text;

/** Text with something in it besides white space; trimmed. */
export function nonEmpty(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") throw new Error("must not be blank");
  return trimmed;
}

/** Text that is not too short to be guessed; trimmed. */
export function secretText(options: { readonly minLength: number }): (text: string) => string {
  return (text) => {
    const trimmed = text.trim();
    if (trimmed.length < options.minLength) throw new Error(`must have at least ${options.minLength} characters`);
    return trimmed;
  };
}

/** A whole number within the bounds (both inclusive). */
export function integer(bounds: { readonly min?: number; readonly max?: number } = {}): (text: string) => number {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = bounds;
  const range =
    bounds.min === undefined && bounds.max === undefined
      ? ""
      : bounds.max === undefined
        ? ` of at least ${min}`
        : bounds.min === undefined
          ? ` of at most ${max}`
          : ` from ${min} to ${max}`;
  return (text) => {
    const value = /^\s*-?\d{1,16}\s*$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < min || value > max) throw new Error(`must be a whole number${range}`);
    return value;
  };
}

/** A TCP port; 0 takes any free one. */
export const port = integer({ min: 0, max: 65_535 });

/** A length of time in whole seconds. */
export const durationSeconds = integer({ min: 0, max: 31_536_000 });

/** A length of time in whole milliseconds; at most what a timer of Node can wait. */
export const durationMs = integer({ min: 0, max: 2_147_483_647 });

/** true or false; also 1 and 0, yes and no, on and off. */
export function boolean(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  if (["false", "0", "no", "off"].includes(word)) return false;
  throw new Error("must be true or false");
}

/** An absolute URL with one of the protocols (each written as `https:`); returned as it was given, trimmed. */
export function url(options: { readonly protocols: readonly string[] }): (text: string) => string {
  const forms = options.protocols.map((protocol) => `${protocol}//...`).join(" or ");
  return (text) => {
    const trimmed = text.trim();
    if (!options.protocols.includes(URL.parse(trimmed)?.protocol ?? "")) throw new Error(`must be a URL ${forms}`);
    return trimmed;
  };
}

/** At least one of something, separated by commas unless told otherwise; white space around each is dropped. */
export function list<T>(of: (text: string) => T, separator = ","): (text: string) => readonly T[] {
  return (text) => {
    const parts = text.split(separator).map((part) => part.trim());
    return parts.map((part, at) => {
      if (part === "") throw new Error(`item ${at + 1} of the list is blank`);
      try {
        return of(part);
      } catch (error) {
        throw new Error(`item ${at + 1} of the list ${error instanceof Error ? error.message : "is wrong"}`, {
          cause: error,
        });
      }
    });
  };
}

/** Exactly one of the words. */
export function oneOf<const T extends string>(...words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text.trim());
    if (word === undefined) throw new Error(`must be one of ${words.join(", ")}`);
    return word;
  };
}
