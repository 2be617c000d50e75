import { notFound } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import { EventSource, MessageStatus, type GetMessageRequest } from "@wahub/proto";
import { cancelable, readMessage, readTimeline, withStoreErrors, type Caller, type Store } from "@wahub/store";
import { toMessage, toTimelineEvent } from "./to-message.ts";

/** GetMessage: one message and its timeline, which begins with its acceptance. */
export function createGetMessage(store: Store) {
  return async (request: GetMessageRequest, { caller, signal }: CallContext<Caller>) => {
    const messageId = request.messageId.toLowerCase();
    const pool = cancelable(store.pool, signal);
    const [message, events] = await withStoreErrors(() =>
      Promise.all([readMessage(pool, caller.tenantId, messageId), readTimeline(pool, caller.tenantId, messageId)]),
    );
    if (!message) throw notFound(`message ${messageId}`);
    const accepted = {
      at: message.createdAt,
      status: MessageStatus.ACCEPTED,
      attempt: 0,
      source: EventSource.HUB,
      twilioSid: "",
      errorCode: 0,
    };
    return { message: toMessage(message), timeline: [accepted, ...events].map(toTimelineEvent) };
  };
}
