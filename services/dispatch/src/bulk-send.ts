import { HubError } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import type { BulkSendRequest } from "@wahub/proto";
import { withStoreErrors, type Caller, type Store } from "@wahub/store";
import type { DispatchEvents } from "./events.ts";
import { append, keyConflict, open, prepareIntake, progressOf, start } from "./intake.ts";
import type { IntakeConnections } from "./intake-connections.ts";
import { readHeader } from "./read-header.ts";
import { BatchRefused, createRecipientReader, type GoodRecipient } from "./recipient-reader.ts";

/** Longer than the transaction can take: nobody sees the batch before it runs. */
const ownedForMs = 60_000;

/**
 * BulkSend: claims the key, stores a message per distinct recipient and starts the batch, all in one transaction, which
 * is taken back when the caller goes away. The answer of a repeated call is computed from the request and the stored
 * batch's id, so it is the first one's answer.
 */
export function createBulkSend(deps: {
  store: Store;
  connections: IntakeConnections;
  events: DispatchEvents;
  now: () => Date;
  resendValidityS: number;
}) {
  const { store, connections, events, now, resendValidityS } = deps;
  return async (request: BulkSendRequest, { caller, signal, log }: CallContext<Caller>) => {
    const header = readHeader(request);
    const reader = createRecipientReader(header);
    const openingHash = reader.contentHash();
    const read = await reader.read(request.recipients, signal);
    const good = read.filter((recipient) => recipient !== undefined);
    if (good.length === 0) throw new BatchRefused(reader.rejected);

    return withStoreErrors(async () => {
      const intake = await prepareIntake(store, caller.tenantId, header, { ownedForMs, resendValidityS });
      const batch = await connections.transact(
        caller.tenantId,
        async (client) => {
          const opened = await open(client, intake, openingHash, now());
          if (opened.kind === "complete") {
            if (!opened.progress.hash.equals(reader.contentHash())) throw keyConflict(opened.id);
            return { id: opened.id, repeated: true };
          }
          if (opened.kind === "busy" || opened.progress.received > 0) throw beganAsStream(opened.id);
          // A stream may have claimed the key and ended before its first recipient: the batch has its text.
          if (!opened.progress.hash.equals(openingHash)) throw keyConflict(opened.id);
          const { total } = await append(client, intake, opened, good, progressOf(reader));
          await start(client, intake, opened, now());
          return { id: opened.id, repeated: false, total };
        },
        { signal },
      );
      if (batch.repeated) events.batchRepeated(log, { batchId: batch.id });
      else events.batchAccepted(log, { batchId: batch.id, ...countsOf(reader, batch.total!) });
      return answer(batch.id, intake.idsIn(batch.id), read, reader);
    });
  };
}

function beganAsStream(batchId: string): HubError {
  return new HubError(
    "not_now",
    `a BulkSendStream with this idempotency key has begun batch ${batchId}: send that stream again, or use a new key`,
  );
}

function answer(
  batchId: string,
  idOf: (recipientKey: string) => string,
  read: readonly (GoodRecipient | undefined)[],
  { rejected, rejectedCount }: { rejected: readonly { index: number; reason: string }[]; rejectedCount: number },
) {
  const messageIds = read.map((recipient) => (recipient ? idOf(recipient.number.key) : ""));
  return {
    batchId,
    messageIds,
    rejected: rejected.map(({ index, reason }) => ({ index, reason })),
    rejectedCount,
    acceptedCount: new Set(messageIds.filter((id) => id !== "")).size,
  };
}

/** What the door made of the recipients it read. */
export function countsOf(reader: { received: number; rejectedCount: number }, total: number) {
  return { total, duplicates: reader.received - reader.rejectedCount - total, rejected: reader.rejectedCount };
}
