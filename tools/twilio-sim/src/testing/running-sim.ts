import { createTwilioSim } from "../app.ts";
import { simConfig } from "../config.ts";
import { createManualClock } from "./manual-clock.ts";
import type { SimConfig } from "../config.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { SimStats } from "../sim-api/get-stats.ts";
import type { LedgerPage } from "../sim-api/ledger-entry.ts";
import type { ManualClock } from "./manual-clock.ts";

export const SENDER = "whatsapp:+18005550199";
export const RECIPIENT = "whatsapp:+12125550101";

/** A create that is accepted. */
export const VALID = { To: RECIPIENT, From: SENDER, Body: "Your table is ready" } as const;

/** An answer with its JSON. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

type FormInit = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** A simulator on a free port and on a clock of the test. */
export interface RunningSim {
  readonly origin: string;
  readonly config: SimConfig;
  readonly clock: ManualClock;
  readonly messagesPath: string;
  create(form: FormInit): Promise<Reply>;
  /** GET with credentials; `path` from the root. */
  get(path: string): Promise<Reply>;
  turn(knobs: Partial<Record<keyof Knobs, unknown>>): Promise<Reply>;
  ledger(): Promise<LedgerPage>;
  stats(): Promise<SimStats>;
  stop(): Promise<void>;
}

/** Starts one with the default configuration, changed where `changes` says so. */
export async function startSim(changes: Parameters<typeof simConfig>[0] = {}): Promise<RunningSim> {
  const config = simConfig({ httpPort: 0, logLevel: "silent", ...changes });
  const clock = createManualClock();
  const sim = createTwilioSim(config, { clock });
  const { port } = await sim.start();
  const origin = `http://127.0.0.1:${port}`;
  const messagesPath = `/2010-04-01/Accounts/${config.accountSid}/Messages.json`;
  const credentials = Buffer.from(`${config.accountSid}:${config.authTokens[0]}`).toString("base64");
  const authorization = `Basic ${credentials}`;

  const send = async (path: string, init: RequestInit = {}): Promise<Reply> => {
    const response = await fetch(origin + path, { ...init, headers: { authorization } });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Reply["body"] };
  };
  return {
    origin,
    config,
    clock,
    messagesPath,
    create: (form) => {
      const pairs = Array.isArray(form) ? form : Object.entries(form);
      return send(messagesPath, { method: "POST", body: new URLSearchParams(pairs as [string, string][]).toString() });
    },
    get: (path) => send(path),
    turn: (knobs) => send("/sim/config", { method: "PATCH", body: JSON.stringify(knobs) }),
    ledger: async () => (await send("/sim/ledger")).body as unknown as LedgerPage,
    stats: async () => (await send("/sim/stats")).body as unknown as SimStats,
    stop: () => sim.stop(),
  };
}
