import { EventSource, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { applyListed } from "./apply-callbacks.ts";
import { leaveUnknown, type UnknownExit } from "./leave-unknown.ts";
import { boundSids } from "./open-attempts.ts";
import { withTransaction } from "./transaction.ts";

/** What is to become of an unknown message. */
export type Verdict =
  /** Twilio has it. */
  | {
      readonly kind: "found";
      readonly sid: string;
      readonly status: MessageStatus;
      /** 0 for none. */
      readonly errorCode: number;
      readonly errorMessage: string;
    }
  | { readonly kind: "leave"; readonly exit: UnknownExit }
  /** Still unknown: asked about again then, or by a person where there is no time. */
  | {
      readonly kind: "stay";
      readonly reconcileAt: Date | null;
      readonly absences: number;
      /** Since when Twilio was asked and gave no list; absent where it did. */
      readonly unlistedSince?: Date | undefined;
    }
  /** Left as it is; only that it has not changed matters to the others. */
  | { readonly kind: "keep" };

/** A verdict, and the state of the message that it was made for. */
export interface Decision {
  readonly messageId: string;
  readonly attempt: number;
  readonly absences: number;
  /** Of a message that was taken for this: what taking it said. Nobody may have taken it or decided about it since. */
  readonly takenUntil?: Date | undefined;
  readonly verdict: Verdict;
}

/**
 * Records what was decided about unknown messages, in one transaction: all, or nothing where one of them has changed since
 * (by a callback, a late outcome, or somebody who looked at the same time), or where a message of Twilio's has been bound.
 *
 * @param options.accountSid whose list it was
 * @returns whether it was recorded
 */
export async function recordVerdicts(
  pool: Pool,
  decisions: readonly Decision[],
  options: { now: Date; accountSid: string },
): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    if (!(await lockUnchanged(client, decisions))) return false;
    const found = decisions.flatMap(({ verdict, ...of }) => (verdict.kind === "found" ? [{ ...of, ...verdict }] : []));
    const bound = await boundSids(
      client,
      found.map(({ sid }) => sid),
    );
    if (bound.size > 0) return false;
    const { now, accountSid } = options;
    if (found.length > 0) {
      await applyListed(
        client,
        found.map(({ messageId, attempt, sid, status, errorCode, errorMessage }) => ({
          source: EventSource.LIST,
          accountSid,
          messageSid: sid,
          messageId,
          attempt,
          status,
          errorCode,
          errorMessage,
          receivedAt: now,
          detail: {},
        })),
      );
    }
    await leave(client, decisions, now);
    await stay(client, decisions);
    return true;
  });
}

async function lockUnchanged(client: PoolClient, decisions: readonly Decision[]): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from message m
     join unnest($1::uuid[], $2::int[], $3::smallint[], $4::timestamptz[]) as d(id, attempt, absences, taken)
       on d.id = m.id
     where m.id = any($1::uuid[]) and m.status = ${MessageStatus.UNKNOWN} and m.twilio_sid is null
       and m.attempt = d.attempt and m.absences = d.absences and (d.taken is null or m.reconcile_at = d.taken)
     order by m.id
     for no key update of m`,
    [
      decisions.map((decision) => decision.messageId),
      decisions.map((decision) => decision.attempt),
      decisions.map((decision) => decision.absences),
      decisions.map((decision) => decision.takenUntil ?? null),
    ],
  );
  return rowCount === decisions.length;
}

async function leave(client: PoolClient, decisions: readonly Decision[], now: Date): Promise<void> {
  const leaving = decisions.flatMap(({ messageId, verdict }) =>
    verdict.kind === "leave" ? [{ messageId, exit: verdict.exit }] : [],
  );
  if (leaving.length === 0) return;
  await client.query(
    `with unknown as materialized (
       select m.id, m.tenant_id, m.batch_id, m.attempt, m.error_code, m.account_id, m.sender_id, m.recipient_key,
              m.claimed_at, m.lease_until, d.wish
       from message m join unnest($1::uuid[], $2::text[]) as d(id, wish) on d.id = m.id
       where m.id = any($1::uuid[])
     ), ${leaveUnknown("unknown", "$3::timestamptz")}
     select from leaving`,
    [leaving.map(({ messageId }) => messageId), leaving.map(({ exit }) => exit), now],
  );
}

async function stay(client: PoolClient, decisions: readonly Decision[]): Promise<void> {
  const staying = decisions.flatMap(({ messageId, verdict }) =>
    verdict.kind === "stay" ? [{ messageId, ...verdict }] : [],
  );
  if (staying.length === 0) return;
  await client.query(
    `update message m set reconcile_at = d.reconcile_at, absences = d.absences, unlisted_since = d.unlisted_since
     from unnest($1::uuid[], $2::timestamptz[], $3::smallint[], $4::timestamptz[])
       as d(id, reconcile_at, absences, unlisted_since)
     where m.id = d.id and m.id = any($1::uuid[])`,
    [
      staying.map(({ messageId }) => messageId),
      staying.map(({ reconcileAt }) => reconcileAt),
      staying.map(({ absences }) => absences),
      staying.map(({ unlistedSince }) => unlistedSince ?? null),
    ],
  );
}
