import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { EventSource, MessageSchema, MessageStatus, TimelineEventSchema } from "@wahub/proto";
import type { StoredMessage } from "@wahub/store";
import { toMessage, toTimelineEvent } from "./to-message.ts";

const at = (second: number): Date => new Date(Date.UTC(2026, 2, 1, 12, 0, second, 123));

const waiting: StoredMessage = {
  id: "019ca977-3a7b-8386-9131-f7df86ef9f07",
  batchId: "019ca977-3a7b-7bab-abab-abababababab",
  recipient: "+14155550123",
  content: { text: { body: "Hello é 😀" } },
  metadata: undefined,
  status: MessageStatus.ACCEPTED,
  attempt: 0,
  nextAt: at(9),
  twilioSid: undefined,
  evidence: EventSource.UNSPECIFIED,
  errorCode: 0,
  errorMessage: "",
  createdAt: at(0),
  updatedAt: at(1),
  submittedAt: undefined,
  sentAt: undefined,
  deliveredAt: undefined,
  readAt: undefined,
  failedAt: undefined,
};

const shown = (message: StoredMessage) => create(MessageSchema, toMessage(message));

describe("a message as callers see it", () => {
  test("that waits has a next attempt, no SID, and times only where something happened", () => {
    const message = shown(waiting);
    expect(message).toMatchObject({ messageContent: "Hello é 😀", twilioSid: "", status: MessageStatus.ACCEPTED });
    expect(timestampDate(message.nextAttemptAt!)).toEqual(at(9));
    expect(timestampDate(message.createdAt!)).toEqual(at(0));
    const { metadata, submittedAt, sentAt, deliveredAt, readAt, failedAt } = message;
    for (const field of [metadata, submittedAt, sentAt, deliveredAt, readAt, failedAt]) expect(field).toBeUndefined();
  });

  test("that has left has no next attempt, and each time under its own name", () => {
    const message = shown({
      ...waiting,
      status: MessageStatus.READ,
      attempt: 2,
      twilioSid: "SM1",
      submittedAt: at(2),
      sentAt: at(3),
      deliveredAt: at(4),
      readAt: at(5),
      failedAt: at(6),
    });
    expect(message).toMatchObject({ attempt: 2, twilioSid: "SM1", status: MessageStatus.READ });
    expect(message.nextAttemptAt).toBeUndefined();
    const { submittedAt, sentAt, deliveredAt, readAt, failedAt } = message;
    const times = [submittedAt, sentAt, deliveredAt, readAt, failedAt].map((time) => timestampDate(time!));
    expect(times).toEqual([2, 3, 4, 5, 6].map(at));
  });

  test("that failed says why", () => {
    const failed = { status: MessageStatus.FAILED, errorCode: 63016, errorMessage: "outside the window" };
    expect(shown({ ...waiting, ...failed })).toMatchObject(failed);
  });

  test("brings its metadata back as it came", () => {
    const metadata = { crm: { id: 7, tags: ["a", null, true, 1.5] }, empty: {} };
    expect(shown({ ...waiting, metadata }).metadata).toEqual(metadata);
  });

  test("of a kind of content that this version does not know is shown without its text", () => {
    const content = { hologram: { depth: 3 } } as StoredMessage["content"];
    expect(shown({ ...waiting, content }).messageContent).toBe("");
  });
});

test("a step of the timeline keeps what was learned", () => {
  const event = {
    at: at(3),
    status: MessageStatus.FAILED,
    attempt: 1,
    source: EventSource.CALLBACK,
    twilioSid: "SM1",
    errorCode: 63016,
  };
  const step = create(TimelineEventSchema, toTimelineEvent(event));
  expect({ ...step, at: timestampDate(step.at!) }).toMatchObject(event);
});
