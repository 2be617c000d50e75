import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import type { MessageStatus } from "@wahub/proto";
import { Batch } from "./batch.ts";

/** How many messages of a batch stand where, as far as deltas have been folded in. */
export const BatchCount = defineEntity({
  name: "BatchCount",
  tableName: "batch_count",
  comment: "Messages of a batch by status and error code, without the deltas that are not folded in yet",
  properties: {
    batchId: () =>
      p.manyToOne(Batch).mapToPk().primary().fieldName("batch_id").foreignKeyName("batch_count_batch_id_fkey"),
    tenantId: p.uuid(),
    status: p.smallint().$type<MessageStatus>().primary(),
    errorCode: p.integer().primary(),
    n: p.integer(),
  },
});

export type BatchCount = InferEntity<typeof BatchCount>;
