import { parseListQuery } from "./list-query.ts";
import { messageResource } from "./message-resource.ts";
import { TwilioFault, invalidParameter } from "./twilio-fault.ts";
import type { Clock } from "../clock.ts";
import type { Ledger } from "../messages/ledger.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { Runs } from "../run.ts";
import type { Operation } from "./door.ts";
import type { ListLuck } from "./list-luck.ts";
import type { ListQuery } from "./list-query.ts";

interface Deps {
  readonly accountSid: string;
  readonly clock: Clock;
  readonly runs: Runs;
  readonly luck: ListLuck;
}

/**
 * GET Messages.json: messages newest first, a page at a time; pages that follow a PageToken never skip or repeat, unless
 * the knobs say that a list lies.
 */
export function listMessages({ accountSid, clock, runs, luck }: Deps): Operation {
  return (req) => {
    const { ledger, stats, faults } = runs.current;
    const n = stats.lists;
    stats.lists += 1;
    const query = parseListQuery(new URLSearchParams(req.url.split("?", 2)[1] ?? ""));
    const fault = luck.fault(n);
    if (fault !== undefined) {
      faults.add({ fault, n, at: clock.now(), to: query.to ?? null, statusCallback: null, sid: null });
    }
    if (fault === "list429") throw new TwilioFault(429, 20429);
    if (fault === "list500") throw new TwilioFault(500, 20500);

    const now = clock.now();
    const isShown = (record: MessageRecord): boolean =>
      luck.isShown(n, record.index, now - ledger.instant(record.acceptedAt)) && matches(record, ledger, query);
    const found = findPage(ledger, query, isShown);
    const records = found.slice(0, query.pageSize);
    const { page, pageSize } = query;
    const start = page * pageSize;

    const link = (toPage: number, token?: string): string => pageUri(req.path, query, toPage, token);
    const last = records.at(-1);
    const hasNext = found.length > pageSize && last !== undefined;
    return {
      status: 200,
      ...(fault === "listHang" && { ending: "hang" }),
      ...(fault === "listReset" && { ending: "reset_in_body" }),
      body: {
        first_page_uri: link(0),
        end: Math.max(start, start + records.length - 1),
        previous_page_uri: page === 0 ? null : link(page - 1),
        messages: records.map((record) => listedResource(accountSid, ledger, record)),
        uri: link(page, query.after),
        page_size: pageSize,
        start,
        next_page_uri: hasNext ? link(page + 1, ledger.sidOf(last)) : null,
        page,
      },
    };
  };
}

/** A message as lists know it. */
function listedResource(accountSid: string, ledger: Ledger, record: MessageRecord): object {
  return { ...messageResource(accountSid, ledger, record), to: record.listedTo };
}

/** The page and, if there is one, the first message of the next. */
function findPage(
  ledger: Ledger,
  query: ListQuery,
  isShown: (record: MessageRecord) => boolean,
): readonly MessageRecord[] {
  let before: number | undefined;
  let toSkip = query.page * query.pageSize;
  if (query.after !== undefined) {
    const anchor = ledger.bySid(query.after);
    if (anchor === undefined) throw invalidParameter("PageToken");
    before = anchor.index;
    toSkip = 0;
  }
  const found: MessageRecord[] = [];
  const candidates =
    query.to === undefined ? ledger.newestFirst({}, before) : ledger.listedNewestFirst(query.to, before);
  for (const record of candidates) {
    if (!isShown(record)) continue;
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
