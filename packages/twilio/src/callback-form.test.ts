import { describe, expect, test } from "@jest/globals";
import { auditFields, readStatusCallback } from "./callback-form.ts";

const accountSid = `AC${"a".repeat(32)}`;
const messageSid = `SM${"b".repeat(32)}`;

const delivered = {
  ChannelPrefix: "whatsapp",
  ApiVersion: "2010-04-01",
  MessageStatus: "delivered",
  SmsSid: messageSid,
  SmsStatus: "delivered",
  ChannelInstallSid: `XE${"c".repeat(32)}`,
  To: "whatsapp:+15555550100",
  From: "whatsapp:+15555550199",
  MessageSid: messageSid,
  StructuredMessage: "false",
  AccountSid: accountSid,
  ChannelToAddress: "+1555555XXXX",
  ExternalUserId: "whatsapp:US.1000000",
};

describe("a status callback", () => {
  test("is read from the form Twilio sends", () => {
    expect(readStatusCallback(delivered)).toEqual({
      ok: true,
      callback: { accountSid, messageSid, status: "delivered", from: "+15555550199", to: "+15555550100" },
    });
  });

  test("needs no more than account, message and status", () => {
    const reading = readStatusCallback({ AccountSid: accountSid, MessageSid: messageSid, MessageStatus: "sent" });
    expect(reading).toEqual({ ok: true, callback: { accountSid, messageSid, status: "sent" } });
  });

  test("may use the older names", () => {
    const reading = readStatusCallback({ AccountSid: accountSid, SmsSid: messageSid, SmsStatus: "read" });
    expect(reading).toMatchObject({ ok: true, callback: { messageSid, status: "read" } });
  });

  test("carries the error code of a failure", () => {
    const reading = readStatusCallback({ ...delivered, MessageStatus: "undelivered", ErrorCode: "63016" });
    expect(reading).toMatchObject({ callback: { status: "undelivered", errorCode: 63016 } });
  });

  test("may bring a status that is new to us", () => {
    expect(readStatusCallback({ ...delivered, MessageStatus: "teleported" })).toMatchObject({
      callback: { status: "teleported" },
    });
  });

  test.each([
    ["AccountSid", { AccountSid: undefined }],
    ["AccountSid", { AccountSid: ["AC1", "AC2"] }],
    ["MessageSid", { MessageSid: "nonsense", SmsSid: undefined }],
    ["MessageStatus", { MessageStatus: "", SmsStatus: "" }],
  ])("without a usable %s is none", (field, change) => {
    expect(readStatusCallback({ ...delivered, ...change })).toMatchObject({
      ok: false,
      fault: expect.stringContaining(field),
    });
  });

  test("has no error code when the field is not a number", () => {
    expect(readStatusCallback({ ...delivered, ErrorCode: "none" })).not.toHaveProperty("callback.errorCode");
  });
});

describe("what is kept of a form", () => {
  test("is everything but personal values", () => {
    expect(auditFields(delivered)).toEqual({
      ChannelPrefix: "whatsapp",
      ApiVersion: "2010-04-01",
      MessageStatus: "delivered",
      SmsSid: messageSid,
      SmsStatus: "delivered",
      ChannelInstallSid: `XE${"c".repeat(32)}`,
      MessageSid: messageSid,
      StructuredMessage: "false",
      AccountSid: accountSid,
    });
  });

  test("leaves out a new field that holds an address", () => {
    const kept = auditFields({ NewField: "whatsapp:+15555550100", Other: "call +15555550100", Plain: "yes" });
    expect(kept).toEqual({ Plain: "yes" });
  });

  test("leaves out what people write, where they are and what they are called", () => {
    expect(
      auditFields({
        Body: "hi",
        ProfileName: "Ann",
        WaId: "15555550100",
        Latitude: "1",
        ButtonText: "yes",
        NumMedia: "0",
      }),
    ).toEqual({ NumMedia: "0" });
  });

  test("joins a field that comes twice", () => {
    expect(auditFields({ EventType: ["A", "B"] })).toEqual({ EventType: "A,B" });
  });
});
