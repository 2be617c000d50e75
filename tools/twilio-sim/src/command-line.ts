import { parseArgs } from "node:util";
import { KNOBS, KNOB_NAMES } from "./knobs/knobs.ts";

const OWN_FLAGS = ["host", "port", "senders", "seed"];

/** The help text of the command line. */
export function usage(): string {
  const knobs = KNOB_NAMES.map(
    (name) => `  --${kebab(name)}=${JSON.stringify(KNOBS[name].fallback)}\n      ${KNOBS[name].what}`,
  );
  return [
    "A Twilio that can misbehave, with a ledger.\n",
    "  --host, --port, --senders, --seed   (or HOST, HTTP_PORT, SIM_SENDERS, SIM_SEED)",
    "  Credentials: SIM_ACCOUNT_SID, SIM_AUTH_TOKEN, or else TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN\n",
    "Knobs with their defaults (or SIM_LATENCY_MS=20 and so on; PATCH /sim/config turns them later):\n",
    ...knobs,
    "",
  ].join("\n");
}

/** The flags by name without dashes, and a sentence for each argument that is none. */
export function readFlags(args: readonly string[]): { flags: Readonly<Record<string, string>>; faults: string[] } {
  const names = [...OWN_FLAGS, ...KNOB_NAMES.map(kebab)];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const flags: Record<string, string> = {};
  const faults: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") faults.push(`"${token.value}" is not a flag; see --help`);
    else if (token.kind !== "option") continue;
    else if (!names.includes(token.name)) faults.push(`unknown flag ${token.rawName}; see --help`);
    else if (token.value === undefined) faults.push(`${token.rawName} needs a value`);
    else flags[token.name] = token.value;
  }
  return { flags, faults };
}

/** `latencyMs` as a flag is written: `latency-ms`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}
