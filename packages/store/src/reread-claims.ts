import { MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { sendingState } from "./entities/index.ts";
import { toClaim, type Claim, type ClaimRequest, type ClaimRow } from "./claim-messages.ts";

/**
 * Claims whose answer was lost, found by their tokens: a token is in the row if and only if its claim was granted and is
 * still held. A claim that is still under way at PostgreSQL does not show yet.
 *
 * @returns one entry per request, in order; undefined where the claim is not held
 */
export async function rereadClaims(pool: Pool, requests: readonly ClaimRequest[]): Promise<(Claim | undefined)[]> {
  const { rows } = await pool.query<ClaimRow>({
    name: "reread-claims",
    text: rereadStatement,
    values: [requests.map((r) => r.messageId), requests.map((r) => r.tenantId), requests.map((r) => r.token)],
  });
  const byToken = new Map(rows.map((row) => [row.token, row]));
  return requests.map((request) => {
    const row = byToken.get(request.token);
    return row && toClaim(row);
  });
}

const rereadStatement = `
  select m.id, m.tenant_id, m.batch_id, m.sender_id, m.account_id, m.attempt, m.claim_token as token, m.tries,
         m.recipient, b.content, b.validity_s, s.phone, a.sid as account_sid,
         s.state = ${sendingState.probing} and s.probe_message_id = m.id as tries_sender,
         a.state = ${sendingState.probing} and a.probe_message_id = m.id as tries_account
  from message m
  join unnest($1::uuid[], $2::uuid[], $3::uuid[]) as r(id, tenant_id, token)
    on r.id = m.id and r.tenant_id = m.tenant_id and r.token = m.claim_token
  join batch b on b.id = m.batch_id
  join sender s on s.id = m.sender_id
  join account a on a.id = m.account_id
  where m.id = any($1::uuid[]) and m.status = ${MessageStatus.SENDING} and m.lease_until > clock_timestamp()`;
