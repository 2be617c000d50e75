import { DEFAULT_KNOBS } from "./knobs/knobs.ts";
import type { Knobs } from "./knobs/knobs.ts";
import type { LogLevel } from "./logger.ts";

/** Everything the simulator is started with. */
export interface SimConfig {
  readonly host: string;
  /** 0 takes any free port. */
  readonly httpPort: number;
  readonly accountSid: string;
  /** Any of these authenticates; the first one signs callbacks. */
  readonly authTokens: readonly string[];
  /** E.164 numbers that are registered WhatsApp senders. */
  readonly senders: readonly string[];
  /** Random decisions are a function of this and of the number of the request. */
  readonly seed: string;
  readonly knobs: Knobs;
  readonly logLevel: LogLevel;
  readonly shutdownTimeoutMs: number;
}

/** A start with nothing configured: fictional credentials, and the one toll-free number reserved for fiction. */
export const DEFAULT_CONFIG: SimConfig = {
  host: "127.0.0.1",
  httpPort: 8090,
  accountSid: `AC${"5150".repeat(8)}`,
  authTokens: ["5150".repeat(8)],
  senders: ["+18005550199"],
  seed: "twilio-sim",
  knobs: DEFAULT_KNOBS,
  logLevel: "info",
  shutdownTimeoutMs: 25_000,
};

/** The configuration cannot be used; `faults` says all that is wrong with it. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`${faults.length} configuration fault(s): ${faults.join("; ")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/** A configuration for code: the defaults, changed where `changes` says so. */
export function simConfig(
  changes: Partial<Omit<SimConfig, "knobs">> & { readonly knobs?: Partial<Knobs> } = {},
): SimConfig {
  return { ...DEFAULT_CONFIG, ...changes, knobs: { ...DEFAULT_KNOBS, ...changes.knobs } };
}
