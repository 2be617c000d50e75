import { describe, expect, test } from "@jest/globals";
import { parseRecipient, recipientKey, senderPhone, writtenForms } from "./phone.ts";

describe("parsing a recipient", () => {
  test.each([
    ["+14155550123", "+14155550123"],
    ["  whatsapp:+1 (415) 555-0123 ", "+14155550123"],
    ["+44 7911 123456", "+447911123456"],
    ["+55 11 91234-5678", "+5511912345678"],
  ])("reads %j as %s", (input, e164) => {
    expect(parseRecipient(input)).toMatchObject({ number: { e164 } });
  });

  test.each([
    ["", "empty"],
    ["   ", "empty"],
    ["4155550123", "must start with +"],
    ["+1555", "numbering plan"],
    ["+999123456789", "country"],
    ["+1415555012345678901", "long"],
    ["+14155550123 ext. 4", "characters"],
    ["+10005550123", "numbering plan"],
    ["+", "malformed"],
    ["+1415555\u0000", "characters"],
    ["+" + "1".repeat(100), "longer than 64"],
  ])("refuses %j and says why", (input, reason) => {
    expect(parseRecipient(input)).toEqual({ reason: expect.stringContaining(reason) });
  });

  test("never repeats the number in the reason", () => {
    expect(JSON.stringify(parseRecipient("+1415555"))).not.toContain("415555");
  });
});

describe("the recipient key", () => {
  test.each([
    ["+5511912345678", "+551112345678"],
    ["+5215512345678", "+525512345678"],
    ["+5491123456789", "+541123456789"],
  ])("is the same for the aliases %s and %s", (a, b) => {
    expect(recipientKey(a)).toBe(recipientKey(b));
  });

  test("is the number itself elsewhere", () => {
    expect(recipientKey("+14155550123")).toBe("+14155550123");
  });
});

describe("the written forms of a line", () => {
  test.each([
    ["+5511912345678", ["+551112345678", "+5511912345678"]],
    ["+551187654321", ["+551187654321", "+5511987654321"]],
    ["+5215512345678", ["+525512345678", "+5215512345678"]],
    ["+525512345678", ["+525512345678", "+5215512345678"]],
    ["+5491123456789", ["+541123456789", "+5491123456789"]],
    ["+541123456789", ["+541123456789", "+5491123456789"]],
    ["+14155550123", ["+14155550123"]],
    ["+5599", ["+5599"]],
  ])("%s", (number, forms) => {
    expect(writtenForms(number)).toEqual(forms);
    expect(new Set(forms.map(recipientKey)).size).toBe(1);
  });
});

describe("the number of a sender", () => {
  test("may carry the prefix that Twilio uses", () => {
    expect(senderPhone("whatsapp:+14155238886")).toBe("+14155238886");
    expect(senderPhone(" +15005550006 ")).toBe("+15005550006");
  });

  test.each(["", "14155238886", "+1 415 523 8886", "sms:+14155238886"])("is refused when it is %j", (text) => {
    expect(() => senderPhone(text)).toThrow("must be a number like");
  });
});
