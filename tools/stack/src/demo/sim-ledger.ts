import type { TwilioAccount } from "../account.ts";

export interface LedgerEntry {
  sid: string;
  /** E.164 */
  to: string;
}

interface Page {
  messages: { sid: string; to: string }[];
  next_page_uri: string | null;
}

/** Every message the simulator has accepted, read the way one would ask Twilio itself: its list of messages. */
export async function readLedger(simUrl: string, account: TwilioAccount, signal: AbortSignal): Promise<LedgerEntry[]> {
  const credentials = Buffer.from(`${account.accountSid}:${account.authToken}`).toString("base64");
  const entries: LedgerEntry[] = [];
  let next: string | null = `/2010-04-01/Accounts/${account.accountSid}/Messages.json?PageSize=1000`;
  while (next !== null) {
    const response = await fetch(`${simUrl}${next}`, { headers: { authorization: `Basic ${credentials}` }, signal });
    if (!response.ok) throw new Error(`the simulator answered ${response.status} to a list of its messages`);
    const page = (await response.json()) as Page;
    for (const { sid, to } of page.messages) entries.push({ sid, to: to.replace("whatsapp:", "") });
    next = page.next_page_uri;
  }
  return entries;
}
