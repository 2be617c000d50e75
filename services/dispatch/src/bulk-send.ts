import { HubError, messageId, newBatchId, recipientHash } from "@wahub/domain";
import type { BulkSendRequest } from "@wahub/proto";
import { acceptBatch, defaultSender, tenantHashKey, withStoreErrors, type Caller, type Store } from "@wahub/store";
import type { CallContext } from "@wahub/platform";
import type { DispatchEvents } from "./events.ts";
import { readBulkSend, type BulkSendOrder } from "./read-bulk-send.ts";

/**
 * BulkSend: stores one message per distinct recipient and starts the batch, in one transaction. The answer of a
 * repeated call is computed from the request and the stored batch's id, so it is the first one's answer.
 */
export function createBulkSend(deps: { store: Store; events: DispatchEvents; now: () => Date }) {
  return async (request: BulkSendRequest, context: CallContext<Caller>) => {
    const { tenantId } = context.caller;
    const order = await readBulkSend(request, context.signal);
    return withStoreErrors(async () => {
      const createdAt = deps.now();
      const batchId = newBatchId(createdAt);
      const acceptance = await acceptBatch(
        deps.store.pool,
        tenantId,
        {
          ...order,
          id: batchId,
          senderId: await senderFor(deps.store, tenantId),
          createdAt,
        },
        await messagesOf(deps.store, tenantId, batchId, order),
      );
      if (acceptance.stored) {
        deps.events.batchAccepted(context.log, { batchId, order });
        return answer(batchId, order);
      }
      if (!acceptance.existing.contentHash.equals(order.contentHash)) throw keyConflict(acceptance.existing.id);
      deps.events.batchRepeated(context.log, { batchId: acceptance.existing.id });
      return answer(acceptance.existing.id, order);
    });
  };
}

async function senderFor(store: Store, tenantId: string): Promise<string> {
  const sender = await defaultSender(store.pool, tenantId);
  if (sender) return sender.senderId;
  throw new HubError(
    "not_now",
    "no WhatsApp sender is configured: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_WHATSAPP_FROM",
  );
}

async function messagesOf(store: Store, tenantId: string, batchId: string, order: BulkSendOrder) {
  const tenantKey = await tenantHashKey(store.pool, tenantId);
  return order.recipients.map(({ number, metadata }) => ({
    id: messageId(batchId, number.key),
    recipient: number.e164,
    recipientKey: number.key,
    recipientHash: recipientHash(tenantKey, number.key),
    metadata,
  }));
}

function answer(batchId: string, order: BulkSendOrder) {
  const ids = order.recipients.map(({ number }) => messageId(batchId, number.key));
  return {
    batchId,
    messageIds: order.positions.map((position) => (position === undefined ? "" : ids[position]!)),
    rejected: order.rejected.map(({ index, reason }) => ({ index, reason })),
    rejectedCount: order.rejectedCount,
    acceptedCount: ids.length,
  };
}

function keyConflict(batchId: string): HubError {
  return new HubError(
    "conflict",
    `this idempotency key belongs to batch ${batchId} with other content; use a new key for a new batch`,
  );
}
