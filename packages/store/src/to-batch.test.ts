import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { BatchSchema, BatchState, MessageStatus, UnknownPolicy } from "@wahub/proto";
import type { StoredBatch } from "./read-batch.ts";
import { toBatch } from "./to-batch.ts";

const at = (second: number): Date => new Date(Date.UTC(2026, 2, 1, 12, 0, second));

const running: StoredBatch = {
  id: "019ca977-3a7b-7bab-abab-abababababab",
  state: BatchState.RUNNING,
  total: 5,
  rejectedCount: 2,
  counts: [
    { status: MessageStatus.SENT, errorCode: 0, count: 3 },
    { status: MessageStatus.FAILED, errorCode: 63016, count: 2 },
  ],
  unknownPolicy: UnknownPolicy.HOLD,
  assumedCount: 2,
  createdAt: at(0),
  updatedAt: at(1),
  completedAt: undefined,
  settledAt: undefined,
  canceledAt: undefined,
  expiresAt: undefined,
  pause: undefined,
};

const shown = (batch: StoredBatch) => create(BatchSchema, toBatch(batch));

describe("a batch as callers see it", () => {
  test("that runs has its counts and no end", () => {
    const batch = shown(running);
    const { id, state, total, rejectedCount, counts } = running;
    expect(batch).toMatchObject({ id, state, total, rejectedCount, counts, settled: false });
    expect(batch).toMatchObject({ unknownPolicy: UnknownPolicy.HOLD, assumedCount: 2 });
    expect(timestampDate(batch.createdAt!)).toEqual(at(0));
    expect([batch.completedAt, batch.settledAt]).toEqual([undefined, undefined]);
  });

  test("is completed first and settled when that time is known", () => {
    const completed = { ...running, state: BatchState.COMPLETED, completedAt: at(2) };
    expect(shown(completed)).toMatchObject({ state: BatchState.COMPLETED, settled: false });
    const settled = shown({ ...completed, settledAt: at(3) });
    expect(settled.settled).toBe(true);
    expect([settled.completedAt, settled.settledAt].map((time) => timestampDate(time!))).toEqual([at(2), at(3)]);
  });

  test("that is paused says why, since when, and when its time is over", () => {
    const pause = { code: 63024, reason: "Twilio refuses its template", at: at(2) };
    const batch = shown({ ...running, state: BatchState.PAUSED, pause, expiresAt: at(50) });
    expect(batch.pause).toMatchObject({ code: 63024, reason: "Twilio refuses its template" });
    expect([batch.pause!.at, batch.expiresAt].map((time) => timestampDate(time!))).toEqual([at(2), at(50)]);
  });

  test("that was called off stays so when nothing of it is left", () => {
    const canceled = {
      ...running,
      state: BatchState.CANCELED,
      canceledAt: at(1),
      completedAt: at(3),
      settledAt: at(4),
    };
    const batch = shown(canceled);
    expect(batch).toMatchObject({ state: BatchState.CANCELED, settled: true });
    expect([batch.canceledAt, batch.completedAt].map((time) => timestampDate(time!))).toEqual([at(1), at(3)]);
  });
});
