import { failureText } from "../messages/failure-text.ts";
import { rfc2822 } from "../messages/rfc2822.ts";
import type { Ledger } from "../messages/ledger.ts";
import type { MessageRecord } from "../messages/record.ts";

/** A message as the API shows it: always every field, counts as strings, dates as RFC 2822. */
export function messageResource(accountSid: string, ledger: Ledger, record: MessageRecord): object {
  const sid = ledger.sidOf(record);
  const path = `/2010-04-01/Accounts/${accountSid}/Messages/${sid}`;
  return {
    account_sid: accountSid,
    api_version: "2010-04-01",
    body: record.body,
    date_created: rfc2822(ledger.instant(record.acceptedAt)),
    date_sent: record.sentAt === null ? null : rfc2822(ledger.instant(record.sentAt)),
    date_updated: rfc2822(ledger.instant(record.updatedAt)),
    direction: "outbound-api",
    error_code: record.errorCode,
    error_message: record.errorCode === null ? null : failureText(record.errorCode),
    from: record.from,
    messaging_service_sid: null,
    num_media: String(record.numMedia),
    num_segments: "1",
    price: null,
    price_unit: "USD",
    sid,
    status: record.status,
    subresource_uris: { media: `${path}/Media.json` },
    to: record.to,
    uri: `${path}.json`,
  };
}
