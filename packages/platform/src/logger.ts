import { pino } from "pino";
import { redact, redactText } from "./redaction.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Facts of one log line: what happened, under a stable name, and whatever else is known. */
export interface LogFields {
  /** What happened, in snake_case: `batch_accepted`. Dashboards and alerts rely on it. */
  readonly event: string;
  /** The error, if it is about one. */
  readonly err?: unknown;
  readonly [field: string]: unknown;
}

export type LogMethod = (fields: LogFields, text?: string) => void;

/** Writes one JSON object per line. Nothing personal is passed to it; `redact` is the net below, not the rule. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** A logger that adds these fields to every line. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

export interface LoggerOptions {
  /** Name of the process, on every line. */
  readonly service: string;
  readonly level?: LogLevel;
  /** Gets each line with its line break; stdout by default. */
  readonly write?: (line: string) => void;
}

/**
 * A logger for one process. Each line is written before the call returns: nothing logged before an exit is lost. Whoever
 * holds the other end of stdout has to read it, or the process waits.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { service, level = "info", write } = options;
  const settings: pino.LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // `redact` has turned errors into plain data already.
    serializers: { err: (value: unknown) => value },
  };
  // Left to itself pino writes asynchronously and, at an exit, the last line before those that are still on their way.
  return wrap(pino(settings, write === undefined ? pino.destination({ dest: 1, sync: true }) : { write }));
}

function wrap(inner: pino.Logger): Logger {
  const method =
    (level: Exclude<LogLevel, "silent">): LogMethod =>
    (fields, text) => {
      if (!inner.isLevelEnabled(level)) return;
      inner[level](redact(fields), text === undefined ? undefined : redactText(text));
    };
  return {
    trace: method("trace"),
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
    fatal: method("fatal"),
    child: (fields) => wrap(inner.child(redact(fields))),
  };
}
