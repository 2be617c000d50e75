import { describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { readStatusCallback, type CallbackForm } from "@wahub/twilio/webhooks";
import { toStatusCallback } from "./to-status-callback.ts";

const receivedAt = new Date("2026-03-01T12:00:00Z");
const sid = `SM${"1".repeat(32)}`;
const account = `AC${"2".repeat(32)}`;
const target = { messageId: "019cc000-0000-8000-8000-000000000001", attempt: 2 };

function callbackOf(fields: CallbackForm, withTarget = true) {
  const form = { AccountSid: account, MessageSid: sid, To: "whatsapp:+14155550123", ...fields };
  const reading = readStatusCallback(form);
  if (!reading.ok) throw new Error(reading.fault);
  return toStatusCallback({ callback: reading.callback, target: withTarget ? target : undefined, form, receivedAt });
}

describe("a callback in the words of the store", () => {
  test("carries message and attempt of its URL, its status, and when it came", () => {
    expect(callbackOf({ MessageStatus: "delivered" })).toEqual({
      accountSid: account,
      messageSid: sid,
      messageId: target.messageId,
      attempt: 2,
      status: MessageStatus.DELIVERED,
      errorCode: 0,
      errorMessage: "",
      receivedAt,
      detail: { AccountSid: account, MessageSid: sid, MessageStatus: "delivered" },
    });
  });

  test("names nobody when its URL did not", () => {
    expect(callbackOf({ MessageStatus: "read" }, false)).toMatchObject({ messageId: undefined, attempt: undefined });
  });

  test("explains an error code", () => {
    const callback = callbackOf({ MessageStatus: "undelivered", ErrorCode: "63016" });
    expect(callback).toMatchObject({ status: MessageStatus.UNDELIVERED, errorCode: 63016 });
    expect(callback.errorMessage).toContain("24-hour window");
  });

  test.each([
    ["queued", MessageStatus.SUBMITTED],
    ["sending", MessageStatus.SUBMITTED],
    ["sent", MessageStatus.SENT],
    ["failed", MessageStatus.FAILED],
    ["canceled", MessageStatus.CANCELED],
  ])("%s has a status of ours", (word, status) => {
    expect(callbackOf({ MessageStatus: word }).status).toBe(status);
  });

  test("has no status for a word that we do not know, and keeps the word", () => {
    for (const word of ["teleported", "received"]) {
      const { status, detail } = callbackOf({ MessageStatus: word });
      expect([status, detail["MessageStatus"]]).toEqual([MessageStatus.UNSPECIFIED, word]);
    }
  });

  test("keeps nothing of the form that PostgreSQL cannot store", () => {
    const callback = callbackOf({ MessageStatus: "failed", ChannelStatusMessage: "a\0b", "Odd\0Name": "x" });
    expect(callback.detail).toMatchObject({ ChannelStatusMessage: "ab", OddName: "x" });
  });
});
