export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Facts of one log line. Full phone numbers and message bodies never go in here. */
export type Facts = Readonly<Record<string, unknown>>;

/** Writes one JSON object per line. */
export interface Logger {
  info(event: string, facts?: Facts): void;
  warn(event: string, facts?: Facts): void;
  error(event: string, facts?: Facts): void;
}

/** Creates a logger that keeps quiet below `level`. */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void = (line) => process.stdout.write(line),
  now: () => Date = () => new Date(),
): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  const at =
    (lineLevel: LogLevel) =>
    (event: string, facts?: Facts): void => {
      if (LOG_LEVELS.indexOf(lineLevel) < threshold) return;
      write(
        `${JSON.stringify({ level: lineLevel, time: now().toISOString(), service: "twilio-sim", event, ...facts })}\n`,
      );
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}
