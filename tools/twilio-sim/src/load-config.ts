import { kebab, readFlags } from "./command-line.ts";
import { ConfigError, DEFAULT_CONFIG } from "./config.ts";
import { KNOBS, KNOB_NAMES, readKnobs } from "./knobs/knobs.ts";
import { LOG_LEVELS } from "./logger.ts";
import { isE164, withoutChannel } from "./messages/address.ts";
import type { SimConfig } from "./config.ts";
import type { Knobs } from "./knobs/knobs.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where a value was found, and what it says. */
interface Source {
  readonly from: string;
  readonly text: string;
}

/**
 * Reads the configuration: a flag beats its variable, a variable beats the default, an empty one counts as unset.
 * Throws a ConfigError that names every fault.
 */
export function loadConfig(env: Env, args: readonly string[]): SimConfig {
  const { flags, faults } = readFlags(args);

  const find = (flagName: string | null, ...names: readonly string[]): Source | undefined => {
    const flag = flagName === null ? undefined : flags[flagName];
    if (flag !== undefined) return { from: `--${flagName}`, text: flag };
    const name = names.find((candidate) => (env[candidate] ?? "").trim() !== "");
    return name === undefined ? undefined : { from: name, text: env[name]!.trim() };
  };
  const take = <T>(
    source: Source | undefined,
    fallback: T,
    expects: string,
    parse: (text: string) => T | undefined,
  ): T => {
    if (source === undefined) return fallback;
    const value = parse(source.text);
    if (value === undefined) faults.push(`${source.from} must be ${expects}`);
    return value ?? fallback;
  };

  const base = DEFAULT_CONFIG;
  const config: SimConfig = {
    host: take(find("host", "HOST"), base.host, "a host name", (text) => text),
    httpPort: take(find("port", "HTTP_PORT"), base.httpPort, "a port from 0 to 65535", wholeUpTo(65_535)),
    accountSid: take(
      find(null, "SIM_ACCOUNT_SID", "TWILIO_ACCOUNT_SID"),
      base.accountSid,
      "AC and 32 hexadecimal digits",
      (text) => (/^AC[0-9a-fA-F]{32}$/.test(text) ? text : undefined),
    ),
    authTokens: take(
      find(null, "SIM_AUTH_TOKEN", "TWILIO_AUTH_TOKEN"),
      base.authTokens,
      "one token or several, separated by commas",
      list,
    ),
    senders: take(
      find("senders", "SIM_SENDERS", "TWILIO_WHATSAPP_FROM"),
      base.senders,
      "E.164 numbers (+15551234567), separated by commas",
      (text) => {
        const numbers = list(text)?.map(withoutChannel);
        return numbers?.every(isE164) === true ? numbers : undefined;
      },
    ),
    seed: take(find("seed", "SIM_SEED"), base.seed, "any text", (text) => text),
    logLevel: take(find(null, "LOG_LEVEL"), base.logLevel, `one of ${LOG_LEVELS.join(", ")}`, (text) =>
      LOG_LEVELS.find((level) => level === text),
    ),
    shutdownTimeoutMs: take(
      find(null, "SHUTDOWN_TIMEOUT_MS"),
      base.shutdownTimeoutMs,
      "milliseconds, at most an hour",
      wholeUpTo(3_600_000),
    ),
    knobs: { ...base.knobs, ...findKnobs(find, faults) },
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

function findKnobs(find: (flag: string, name: string) => Source | undefined, faults: string[]): Partial<Knobs> {
  let found: Partial<Knobs> = {};
  for (const name of KNOB_NAMES) {
    const source = find(kebab(name), `SIM_${kebab(name).replaceAll("-", "_").toUpperCase()}`);
    if (source === undefined) continue;
    const reading = readKnobs({ [name]: fromText(source.text) });
    found = { ...found, ...reading.values };
    if (reading.faults.length > 0) faults.push(`${source.from} must be ${KNOBS[name].expects}`);
  }
  return found;
}

/** Knobs are written as JSON; what is no JSON is handed on as text, for the knob to refuse. */
function fromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function list(text: string): readonly string[] | undefined {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  return items.length > 0 ? items : undefined;
}

function wholeUpTo(max: number): (text: string) => number | undefined {
  return (text) => (/^\d+$/.test(text) && Number(text) <= max ? Number(text) : undefined);
}
