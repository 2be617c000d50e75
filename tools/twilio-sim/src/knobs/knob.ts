/** One thing about the simulator that can be turned at run time. */
export interface Knob<T> {
  readonly fallback: T;
  /** One sentence for the help text and the README. */
  readonly what: string;
  /** What a value must be, in words: "a number from 0 to 1". */
  readonly expects: string;
  /** The value, or undefined when it is not what the knob expects. */
  readonly parse: (value: unknown) => T | undefined;
}

/** A share of events, 0 to 1. */
export function share(fallback: number, what: string): Knob<number> {
  return number(fallback, 0, 1, what);
}

/** A number between two bounds, both included. */
export function number(fallback: number, min: number, max: number, what: string): Knob<number> {
  return {
    fallback,
    what,
    expects: `a number from ${min} to ${max}`,
    parse: (value) => (typeof value === "number" && value >= min && value <= max ? value : undefined),
  };
}

/** A whole number between two bounds, both included. */
export function whole(fallback: number, min: number, max: number, what: string): Knob<number> {
  return {
    fallback,
    what,
    expects: `a whole number from ${min} to ${max}`,
    parse: (value) => (isWhole(value, min, max) ? value : undefined),
  };
}

/** On or off. */
export function flag(fallback: boolean, what: string): Knob<boolean> {
  return {
    fallback,
    what,
    expects: "true or false",
    parse: (value) => (typeof value === "boolean" ? value : undefined),
  };
}

/** Whether `value` is a whole number between two bounds, both included. */
export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
