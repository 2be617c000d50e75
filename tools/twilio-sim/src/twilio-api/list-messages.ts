import { parseListQuery } from "./list-query.ts";
import { messageResource } from "./message-resource.ts";
import { invalidParameter } from "./twilio-fault.ts";
import type { Ledger } from "../messages/ledger.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { Runs } from "../run.ts";
import type { Operation } from "./door.ts";
import type { ListQuery } from "./list-query.ts";

/** GET Messages.json: messages newest first, a page at a time; pages that follow a PageToken never skip or repeat. */
export function listMessages(accountSid: string, runs: Runs): Operation {
  return (req) => {
    const { ledger } = runs.current;
    const query = parseListQuery(new URLSearchParams(req.url.split("?", 2)[1] ?? ""));
    const found = findPage(ledger, query);
    const records = found.slice(0, query.pageSize);
    const { page, pageSize } = query;
    const start = page * pageSize;

    const link = (toPage: number, token?: string): string => pageUri(req.path, query, toPage, token);
    const last = records.at(-1);
    const hasNext = found.length > pageSize && last !== undefined;
    return {
      status: 200,
      body: {
        first_page_uri: link(0),
        end: Math.max(start, start + records.length - 1),
        previous_page_uri: page === 0 ? null : link(page - 1),
        messages: records.map((record) => messageResource(accountSid, ledger, record)),
        uri: link(page, query.after),
        page_size: pageSize,
        start,
        next_page_uri: hasNext ? link(page + 1, ledger.sidOf(last)) : null,
        page,
      },
    };
  };
}

/** The page and, if there is one, the first message of the next. */
function findPage(ledger: Ledger, query: ListQuery): readonly MessageRecord[] {
  let before: number | undefined;
  let toSkip = query.page * query.pageSize;
  if (query.after !== undefined) {
    const anchor = ledger.bySid(query.after);
    if (anchor === undefined) throw invalidParameter("PageToken");
    before = anchor.index;
    toSkip = 0;
  }
  const found: MessageRecord[] = [];
  for (const record of ledger.newestFirst({ to: query.to }, before)) {
    if (!matches(record, ledger, query)) continue;
    if (toSkip > 0) toSkip -= 1;
    else if (found.push(record) > query.pageSize) break;
  }
  return found;
}

function matches(record: MessageRecord, ledger: Ledger, query: ListQuery): boolean {
  if (query.from !== undefined && record.from !== query.from) return false;
  if (!query.bySentDate) return true;
  if (record.sentAt === null) return false;
  const sentAt = ledger.instant(record.sentAt);
  return sentAt >= query.sentFrom && sentAt < query.sentBefore;
}

function pageUri(path: string, query: ListQuery, page: number, token?: string): string {
  const parameters: (readonly [string, string])[] = [
    ...query.filters,
    ["PageSize", String(query.pageSize)],
    ["Page", String(page)],
  ];
  if (token !== undefined) parameters.push(["PageToken", `PA${token}`]);
  return `${path}?${parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&")}`;
}
