import { invalidParameter } from "./twilio-fault.ts";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;
const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 1_000;

/** A list request, read. */
export interface ListQuery {
  readonly to: string | undefined;
  readonly from: string | undefined;
  /** Sent at or after this (ms since 1970). */
  readonly sentFrom: number;
  /** Sent before this. */
  readonly sentBefore: number;
  /** Whether any DateSent filter is there: messages not sent yet then never match. */
  readonly bySentDate: boolean;
  readonly page: number;
  readonly pageSize: number;
  /** The sid of the last message of the page before. */
  readonly after: string | undefined;
  /** The filters as given, for the links to other pages. */
  readonly filters: readonly (readonly [name: string, value: string])[];
}

/** Reads the parameters of a list. The operators belong to the names: `DateSent>=2026-01-31` is `DateSent>` = date. */
export function parseListQuery(query: URLSearchParams): ListQuery {
  const days = {
    "DateSent>": dateOf(query, "DateSent>"),
    "DateSent<": dateOf(query, "DateSent<"),
    on: dateOf(query, "DateSent"),
  };
  const from = Math.max(days["DateSent>"]?.startsAt ?? -Infinity, days.on?.startsAt ?? -Infinity);
  // "On or before midnight of the date": the instant itself still counts.
  const before = Math.min((days["DateSent<"]?.startsAt ?? Infinity) + 1, days.on?.endsAt ?? Infinity);
  return {
    to: query.get("To") || undefined,
    from: query.get("From") || undefined,
    sentFrom: from,
    sentBefore: before,
    bySentDate: from !== -Infinity || before !== Infinity,
    page: wholeOf(query, "Page", 0, Number.MAX_SAFE_INTEGER, 0),
    pageSize: wholeOf(query, "PageSize", 1, MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE),
    after: tokenOf(query),
    filters: [...query].filter(([name]) => ["To", "From", "DateSent", "DateSent<", "DateSent>"].includes(name)),
  };
}

/** A day (`2026-01-31`, GMT) or an instant; an instant on its own stands for its second. */
function dateOf(query: URLSearchParams, name: string): { startsAt: number; endsAt: number } | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const isDay = DAY.test(text);
  const startsAt = isDay || INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(startsAt)) throw invalidParameter(name);
  return { startsAt, endsAt: startsAt + (isDay ? DAY_MS : SECOND_MS) };
}

function wholeOf(query: URLSearchParams, name: string, min: number, max: number, fallback: number): number {
  const text = query.get(name);
  if (text === null || text === "") return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw invalidParameter(name);
  return value;
}

function tokenOf(query: URLSearchParams): string | undefined {
  const token = query.get("PageToken");
  if (token === null || token === "") return undefined;
  if (!token.startsWith("PA")) throw invalidParameter("PageToken");
  return token.slice(2);
}
