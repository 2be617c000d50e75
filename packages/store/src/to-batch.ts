import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { BatchSchema } from "@wahub/proto";
import type { StoredBatch } from "./read-batch.ts";

/** A stored batch as the API shows it. */
export function toBatch(batch: StoredBatch): MessageInitShape<typeof BatchSchema> {
  return {
    id: batch.id,
    state: batch.state,
    total: batch.total,
    rejectedCount: batch.rejectedCount,
    counts: batch.counts.map(({ status, errorCode, count }) => ({ status, errorCode, count })),
    unknownPolicy: batch.unknownPolicy,
    assumedCount: batch.assumedCount,
    settled: batch.settledAt !== undefined,
    createdAt: timestampFromDate(batch.createdAt),
    completedAt: batch.completedAt && timestampFromDate(batch.completedAt),
    settledAt: batch.settledAt && timestampFromDate(batch.settledAt),
    canceledAt: batch.canceledAt && timestampFromDate(batch.canceledAt),
    expiresAt: batch.expiresAt && timestampFromDate(batch.expiresAt),
    pause: batch.pause && { ...batch.pause, at: timestampFromDate(batch.pause.at) },
  };
}
