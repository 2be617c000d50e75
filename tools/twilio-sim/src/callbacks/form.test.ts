import { describe, expect, test } from "@jest/globals";
import { DEFAULT_KNOBS } from "../knobs/knobs.ts";
import { createLedger } from "../messages/ledger.ts";
import { callbackForm } from "./form.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { MessageStatus } from "../messages/status.ts";

function form(
  status: MessageStatus,
  knobs: Partial<Knobs> = {},
  fromTemplate = false,
): Readonly<Record<string, string>> {
  const ledger = createLedger(0);
  const draft = {
    to: "whatsapp:+12125550101",
    from: "whatsapp:+18005550199",
    body: "",
    numMedia: 0,
    statusCallback: "",
  };
  const record = ledger.accept({ ...draft, fromTemplate }, 0);
  if (status === "failed" || status === "undelivered") ledger.advance(record, status, 0, 63024);
  return callbackForm({ record, status, sid: "SM1", accountSid: "AC1", knobs: { ...DEFAULT_KNOBS, ...knobs } });
}

describe("a callback's form", () => {
  test("for sent has the fields of a captured one, in its order", () => {
    expect(Object.entries(form("sent"))).toEqual([
      ["ChannelPrefix", "whatsapp"],
      ["ApiVersion", "2010-04-01"],
      ["MessageStatus", "sent"],
      ["SmsSid", "SM1"],
      ["SmsStatus", "sent"],
      ["ChannelInstallSid", expect.stringMatching(/^XE[0-9a-f]{32}$/)],
      ["To", "whatsapp:+12125550101"],
      ["From", "whatsapp:+18005550199"],
      ["MessageSid", "SM1"],
      ["StructuredMessage", "false"],
      ["AccountSid", "AC1"],
      ["ChannelToAddress", "+1212555XXXX"],
    ]);
  });

  test("says true of a template", () => {
    expect(form("sent", {}, true)).toMatchObject({ StructuredMessage: "true" });
  });

  test("for delivered and read has neither StructuredMessage nor, by default, the doubtful fields", () => {
    for (const status of ["delivered", "read"] as const) {
      for (const name of ["StructuredMessage", "EventType", "ExternalUserId", "ErrorCode"]) {
        expect(form(status)).not.toHaveProperty(name);
      }
    }
  });

  test("for failures has the code, and its text where asked for", () => {
    expect(form("undelivered")).toMatchObject({
      ErrorCode: "63024",
      ChannelStatusMessage: "Invalid message recipient",
    });
    expect(form("failed")).not.toHaveProperty("ErrorMessage");
    expect(form("failed", { callbackErrorMessage: true })).toHaveProperty("ErrorMessage", "Invalid message recipient");
  });

  test("has EventType and ExternalUserId when those are switched on", () => {
    const knobs = { callbackEventType: true, callbackExternalUserId: true };
    expect(form("read", knobs)).toMatchObject({
      EventType: "READ",
      ExternalUserId: expect.stringMatching(/^whatsapp:/),
    });
    expect(form("sent", knobs)).not.toHaveProperty("ExternalUserId");
  });
});
