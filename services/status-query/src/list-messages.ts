import { notFound } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import type { ListMessagesRequest } from "@wahub/proto";
import { cancelable, listMessages, withStoreErrors, type Caller, type Store } from "@wahub/store";
import { readPageToken, writePageToken } from "./page-token.ts";
import { toMessage } from "./to-message.ts";

const defaultPageSize = 100;

/** ListMessages: a page of a batch's messages in the order of their ids, each seen once by who follows the tokens. */
export function createListMessages(store: Store) {
  return async (request: ListMessagesRequest, { caller, signal }: CallContext<Caller>) => {
    const batchId = request.batchId.toLowerCase();
    const filter = { batchId, statuses: request.statuses };
    const after = readPageToken(request.pageToken, filter);
    const limit = request.pageSize === 0 ? defaultPageSize : request.pageSize;
    const page = await withStoreErrors(() =>
      listMessages(cancelable(store.pool, signal), caller.tenantId, { ...filter, after, limit }),
    );
    if (!page) throw notFound(`batch ${batchId}`);
    return {
      messages: page.messages.map(toMessage),
      nextPageToken: page.next === undefined ? "" : writePageToken(page.next, filter),
    };
  };
}
