import { createGrpcClient } from "@wahub/platform";
import { DispatchService, MessageStatus, StatusService, type Batch, type Message } from "@wahub/proto";
import type { Stack } from "@wahub/stack";

/** The hub's gRPC services as an internal caller sees them. */
export function connectHub(stack: Stack) {
  const dispatch = createGrpcClient(DispatchService, stack.urls.dispatchGrpc);
  const status = createGrpcClient(StatusService, stack.urls.statusQueryGrpc);
  const call = { authorization: `Bearer ${stack.apiKey}` };
  return {
    dispatch,
    status,
    call,

    /** Follows the batch until it is settled. */
    async settled(batchId: string): Promise<Batch> {
      let last: Batch | undefined;
      for await (const { batch } of status.watchBatch({ batchId }, call)) last = batch;
      if (!last?.settled) throw new Error("the stream ended before the batch was settled");
      return last;
    },

    async messages(batchId: string): Promise<Message[]> {
      const messages: Message[] = [];
      let pageToken = "";
      do {
        const page = await status.listMessages({ batchId, pageSize: 1000, pageToken }, call);
        messages.push(...page.messages);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return messages;
    },

    close(): void {
      dispatch.close();
      status.close();
    },
  };
}

export type Hub = ReturnType<typeof connectHub>;

/** Twilio's word for where a message stands, to compare with the ledger. */
export function twilioWord(status: MessageStatus): string {
  return (
    {
      [MessageStatus.SUBMITTED]: "queued",
      [MessageStatus.SENT]: "sent",
      [MessageStatus.UNDELIVERED]: "undelivered",
      [MessageStatus.FAILED]: "failed",
      [MessageStatus.DELIVERED]: "delivered",
      [MessageStatus.READ]: "read",
    }[status as number] ?? "none"
  );
}

/** `count` valid numbers that belong to nobody. */
export function fictionalPhones(count: number, areaCode = 212): string[] {
  const areas = [areaCode, 213, 214, 216, 303, 305, 312, 404, 415, 503];
  return Array.from(
    { length: count },
    (_, i) => `+1${areas[Math.floor(i / 100)]}55501${String(i % 100).padStart(2, "0")}`,
  );
}
