import type { Stack } from "@wahub/stack";

/** One message the simulator accepted: what Twilio knows of it. */
export interface LedgerEntry {
  readonly sid: string;
  readonly to: string;
  readonly body: string;
  readonly statusCallback: string;
  readonly status: string;
}

const pageSize = 10_000;

/** Everything the simulator has accepted so far, in the order of acceptance. */
export async function readLedger(stack: Stack): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for (;;) {
    const response = await fetch(`${stack.urls.sim}/sim/ledger?offset=${entries.length}&limit=${pageSize}`, {
      headers: { authorization: `Basic ${btoa(`${stack.twilio.accountSid}:${stack.twilio.authToken}`)}` },
    });
    const page = (await response.json()) as { total: number; messages: LedgerEntry[] };
    entries.push(...page.messages);
    if (entries.length >= page.total) return entries;
  }
}

/** Turns the simulator's knobs. */
export async function turnKnobs(stack: Stack, knobs: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await fetch(`${stack.urls.sim}/sim/config`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(knobs),
  });
  if (!response.ok) throw new Error(`the simulator refused the knobs: ${await response.text()}`);
}
