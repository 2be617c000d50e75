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
    // One more than asked for tells whether there is another page.
    const found = await withStoreErrors(() =>
      listMessages(cancelable(store.pool, signal), caller.tenantId, { ...filter, after, limit: limit + 1 }),
    );
    if (!found) throw notFound(`batch ${batchId}`);
    const page = found.slice(0, limit);
    return {
      messages: page.map(toMessage),
      nextPageToken: found.length > limit ? writePageToken(page.at(-1)!.id, filter) : "",
    };
  };
}
