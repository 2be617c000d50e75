import { HubError } from "@wahub/domain";

/** An error as plain data. */
export interface ErrorDescription {
  readonly [field: string]: unknown;
  /** Name of its class. */
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  /** Where it was thrown; frames only, since the first lines of a stack repeat the message. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

const maxMessageLength = 1_000;
const maxFrames = 20;
const maxCauses = 5;
// Of foreign errors only these are known to be harmless. HTTP clients hang headers and forms on theirs, PostgreSQL's
// `detail` quotes the values of a row.
const facts = ["code", "status", "syscall", "errno", "constraint", "table", "column", "port"];

/** What may be logged of anything that was thrown: never the request, configuration or parameters it carries. */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: "something other than an error was thrown" };
  const own = error as Error & Record<string, unknown>;
  const { cause, errors } = own;
  const inner = cause ?? (Array.isArray(errors) ? (errors as unknown[])[0] : undefined);
  const description: Record<string, unknown> & { type: string; message: string } = {
    type: own.constructor.name === "Error" ? own.name : own.constructor.name,
    message: clip(error.message),
  };
  if (error instanceof HubError) description["kind"] = error.kind;
  for (const fact of facts) {
    const value = own[fact];
    if (typeof value === "number" || (typeof value === "string" && value.length <= 100)) description[fact] = value;
  }
  const stack = framesOf(error.stack);
  if (stack !== "") description["stack"] = stack;
  if (inner !== undefined && depth < maxCauses) description["cause"] = describeError(inner, depth + 1);
  return description;
}

function clip(message: string): string {
  return message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength)}...`;
}

function framesOf(stack: string | undefined): string {
  return (stack ?? "")
    .split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .slice(0, maxFrames)
    .join("\n");
}
