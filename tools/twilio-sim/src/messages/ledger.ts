import { createSidSeries } from "./sid.ts";
import { MESSAGE_STATUSES } from "./status.ts";
import type { Draft, MessageRecord, Misfit } from "./record.ts";
import type { MessageStatus } from "./status.ts";

/** Senders are few, and bodies of a campaign mostly the same text; this many different texts are kept to be shared. */
const SHARED_TEXTS = 1_000;

/** Everything the simulator has accepted, in the order of acceptance. This is the truth a test compares with. */
export interface Ledger {
  /** Writes a message down as `queued`. `at` is ms since 1970. */
  accept(draft: Draft, at: number, misfit?: Misfit): MessageRecord;
  /** Moves a message on. `at` is ms since 1970. */
  advance(record: MessageRecord, status: MessageStatus, at: number, errorCode: number | null): void;
  /** `SM...`, or `MM...` for a message with media. */
  sidOf(record: MessageRecord): string;
  bySid(sid: string): MessageRecord | undefined;
  /** Every message older than `before` (an index; default: all), newest first; to one recipient when `to` is given. */
  newestFirst(filter: { readonly to?: string | undefined }, before?: number): Iterable<MessageRecord>;
  /** The same, by the address under which lists know a message. */
  listedNewestFirst(to: string, before?: number): Iterable<MessageRecord>;
  /** Messages in the order of acceptance. */
  slice(offset: number, limit: number): readonly MessageRecord[];
  /** Turns an instant of a record into ms since 1970. */
  instant(at: number): number;
  readonly size: number;
  /** How many messages stand in each status now. */
  readonly countsByStatus: Readonly<Record<MessageStatus, number>>;
}

/** Opens an empty ledger. `openedAt` is ms since 1970. */
export function createLedger(openedAt: number, sids = createSidSeries()): Ledger {
  const epoch = Math.floor(openedAt);
  const records: MessageRecord[] = [];
  const newestTo = new Map<string, number>();
  const listedElsewhere = new Map<string, MessageRecord[]>();
  const shareText = createTextPool(SHARED_TEXTS);
  const counts = Object.fromEntries(MESSAGE_STATUSES.map((status) => [status, 0])) as Record<MessageStatus, number>;

  // The `| 0` makes V8 store the difference as a small integer instead of a boxed double, as it fits for 24 days.
  const sinceOpening = (at: number): number => {
    const elapsed = Math.floor(at) - epoch;
    return elapsed < 2 ** 31 ? elapsed | 0 : elapsed;
  };
  const sidOf = (record: MessageRecord): string => (record.numMedia > 0 ? "MM" : "SM") + sids.digits(record.index);

  const newestFirst = function* (to: string | undefined, before = records.length): Iterable<MessageRecord> {
    if (to === undefined) {
      for (let index = before - 1; index >= 0; index -= 1) yield records[index]!;
      return;
    }
    for (let index = newestTo.get(to) ?? -1; index >= 0; index = records[index]!.olderToSame) {
      if (index < before) yield records[index]!;
    }
  };

  return {
    accept(draft, at, { listedTo = draft.to, faults = [] } = {}) {
      const acceptedAt = sinceOpening(at);
      const index = records.length;
      const record: MessageRecord = {
        index,
        olderToSame: newestTo.get(draft.to) ?? -1,
        to: draft.to,
        from: shareText(draft.from),
        body: shareText(draft.body),
        numMedia: draft.numMedia,
        fromTemplate: draft.fromTemplate,
        statusCallback: draft.statusCallback,
        listedTo,
        faults: faults.length === 0 ? null : faults,
        acceptedAt,
        status: "queued",
        updatedAt: acceptedAt,
        sentAt: null,
        deliveredAt: null,
        readAt: null,
        failedAt: null,
        errorCode: null,
        callbacks: null,
      };
      records.push(record);
      newestTo.set(draft.to, index);
      if (listedTo !== draft.to) listedElsewhere.set(listedTo, [...(listedElsewhere.get(listedTo) ?? []), record]);
      counts.queued += 1;
      return record;
    },

    advance(record, status, at, errorCode) {
      const moment = sinceOpening(at);
      counts[record.status] -= 1;
      counts[status] += 1;
      record.status = status;
      record.updatedAt = moment;
      record.errorCode = errorCode;
      if (status === "sent") record.sentAt = moment;
      else if (status === "delivered") record.deliveredAt = moment;
      else if (status === "read") record.readAt = moment;
      else record.failedAt = moment;
    },

    sidOf,

    bySid(sid) {
      const index = sids.indexOf(sid);
      const record = index === undefined ? undefined : records[index];
      return record !== undefined && sidOf(record) === sid ? record : undefined;
    },

    newestFirst: ({ to }, before) => newestFirst(to, before),

    *listedNewestFirst(to, before = records.length) {
      const strangers = (listedElsewhere.get(to) ?? []).filter(({ index }) => index < before);
      for (const record of newestFirst(to, before)) {
        while ((strangers.at(-1)?.index ?? -1) > record.index) yield strangers.pop()!;
        if (record.listedTo === to) yield record;
      }
      yield* strangers.toReversed();
    },

    slice: (offset, limit) => records.slice(offset, offset + limit),
    instant: (at) => epoch + at,
    get size() {
      return records.length;
    },
    countsByStatus: counts,
  };
}

/** Returns the first equal text it was given, as long as it remembers it; forgets all when full. */
function createTextPool(capacity: number): (text: string) => string {
  const pool = new Map<string, string>();
  return (text) => {
    const known = pool.get(text);
    if (known !== undefined) return known;
    if (pool.size >= capacity) pool.clear();
    // Decoding a form leaves a string made of many pieces, eight times the size of its copy.
    const flat = Buffer.from(text).toString();
    pool.set(flat, flat);
    return flat;
  };
}
