import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import type { MessageStatus } from "@wahub/proto";

/** A change of the counts, written by the statement that changes the messages. Append only. */
export const BatchCountDelta = defineEntity({
  name: "BatchCountDelta",
  tableName: "batch_count_delta",
  comment: "Changes of the counts, written by the statement that changes the messages and folded in by one loop",
  properties: {
    id: p.bigint("number").primary().autoincrement().generated("identity"),
    tenantId: p.uuid(),
    batchId: p.uuid(),
    status: p.smallint().$type<MessageStatus>(),
    errorCode: p.integer(),
    n: p.integer(),
  },
});

export type BatchCountDelta = InferEntity<typeof BatchCountDelta>;
