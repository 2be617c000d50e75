import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { EventSource, MessageStatus } from "@wahub/proto";
import { readMessage, readTimeline } from "./read-message.ts";
import { createTestDatabase, storeSampleBatch, type SampleBatch, type TestDatabase } from "./testing/index.ts";

const createdAt = new Date("2026-03-01T12:00:00.123Z");
const otherTenant = "00000000-0000-7000-8000-000000000000";

describe("reading a message", () => {
  let database: TestDatabase;
  let batch: SampleBatch;

  beforeAll(async () => {
    database = await createTestDatabase({ now: createdAt });
    batch = await storeSampleBatch(database.store, {
      createdAt,
      recipients: ["+14155550110", "+14155550111"],
      body: "Zażółć 😀",
      metadata: { campaign: "spring", tags: ["a", { b: null }] },
      ownMetadata: { "+14155550111": { order: 7 } },
    });
  });

  afterAll(() => database.drop());

  test("gives what the caller sent, before anything has happened to it", async () => {
    const message = await readMessage(database.store.pool, batch.tenantId, batch.messageIds[0]!);
    expect(message).toEqual({
      id: batch.messageIds[0],
      batchId: batch.id,
      recipient: "+14155550110",
      content: { text: { body: "Zażółć 😀" } },
      metadata: { campaign: "spring", tags: ["a", { b: null }] },
      status: MessageStatus.ACCEPTED,
      attempt: 0,
      nextAt: createdAt,
      twilioSid: undefined,
      evidence: EventSource.UNSPECIFIED,
      errorCode: 0,
      errorMessage: "",
      createdAt,
      updatedAt: createdAt,
      submittedAt: undefined,
      sentAt: undefined,
      deliveredAt: undefined,
      readAt: undefined,
      failedAt: undefined,
    });
  });

  test("prefers the recipient's own metadata to the batch's", async () => {
    const message = await readMessage(database.store.pool, batch.tenantId, batch.messageIds[1]!);
    expect(message!.metadata).toEqual({ order: 7 });
  });

  test("shows nothing of another tenant's", async () => {
    const { pool } = database.store;
    expect(await readMessage(pool, otherTenant, batch.messageIds[0]!)).toBeUndefined();
    expect(await readMessage(pool, batch.tenantId, batch.id)).toBeUndefined();
  });

  test("gives its timeline oldest first, and by rank where two things happened at once", async () => {
    const { pool } = database.store;
    const events: [number, MessageStatus, EventSource, string, Date][] = [
      [1, MessageStatus.READ, EventSource.CALLBACK, "SM1", at(9)],
      [1, MessageStatus.SENT, EventSource.CALLBACK, "SM1", at(5)],
      [1, MessageStatus.SUBMITTED, EventSource.RESPONSE, "SM1", at(5)],
      [1, MessageStatus.SENDING, EventSource.HUB, "", at(2)],
      [0, MessageStatus.ACCEPTED, EventSource.HUB, "", at(0)],
    ];
    for (const [attempt, status, source, sid, when] of events) {
      await pool.query(
        `insert into message_event (message_id, tenant_id, attempt, status, twilio_sid, source, at)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [batch.messageIds[0], batch.tenantId, attempt, status, sid, source, when],
      );
    }
    const timeline = await readTimeline(pool, batch.tenantId, batch.messageIds[0]!);
    expect(timeline.map((event) => event.status)).toEqual([
      MessageStatus.ACCEPTED,
      MessageStatus.SENDING,
      MessageStatus.SUBMITTED,
      MessageStatus.SENT,
      MessageStatus.READ,
    ]);
    expect(timeline[2]).toEqual({
      at: at(5),
      status: MessageStatus.SUBMITTED,
      attempt: 1,
      source: EventSource.RESPONSE,
      twilioSid: "SM1",
      errorCode: 0,
    });
    expect(await readTimeline(pool, otherTenant, batch.messageIds[0]!)).toEqual([]);
  });
});

function at(second: number): Date {
  return new Date(createdAt.getTime() + second * 1000);
}
