import type { Stack } from "@wahub/stack";

/** One message the simulator accepted: what Twilio knows of it. */
export interface LedgerEntry {
  readonly sid: string;
  readonly to: string;
  readonly body: string;
  readonly statusCallback: string;
  readonly status: string;
  /** What befell it, by name. */
  readonly faults: readonly string[];
  /** ISO 8601 with milliseconds. */
  readonly acceptedAt: string;
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

/** What the simulator has accepted of these messages. */
export async function ledgerOf(stack: Stack, messages: readonly { readonly id: string }[]): Promise<LedgerEntry[]> {
  const ours = new Set(messages.map((message) => message.id));
  const entries = await readLedger(stack);
  return entries.filter((entry) => ours.has(new URL(entry.statusCallback).searchParams.get("m") ?? ""));
}

/** Resolves when the simulator has nothing more to say: no step of a message and no callback is outstanding. */
export async function simIsIdle(stack: Stack): Promise<void> {
  for (;;) {
    const response = await fetch(`${stack.urls.sim}/sim/stats?waitIdleMs=30000`);
    if (((await response.json()) as { idle: boolean }).idle) return;
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
