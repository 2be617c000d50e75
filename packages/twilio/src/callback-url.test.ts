import { describe, expect, test } from "@jest/globals";
import { readCallbackQuery, statusCallbackUrl, readPublicWebhookUrl } from "./callback-url.ts";

const messageId = "0195a1b2-c3d4-8e5f-8a7b-0123456789ab";

describe("the status callback URL", () => {
  test.each([
    ["https://hub.example.com", "https://hub.example.com/webhooks/twilio/status"],
    ["https://hub.example.com/", "https://hub.example.com/webhooks/twilio/status"],
    ["https://example.com:8443/hub/", "https://example.com:8443/hub/webhooks/twilio/status"],
  ])("under %s names message, attempt and Twilio's retries", (base, path) => {
    expect(statusCallbackUrl(base, messageId, 3)).toBe(`${path}?m=${messageId}&a=3#rc=3&rp=ct,rt,5xx`);
  });

  test("is read back as it was written", () => {
    const { searchParams } = new URL(statusCallbackUrl("https://hub.example.com", messageId, 12));
    expect(readCallbackQuery(Object.fromEntries(searchParams))).toEqual({ messageId, attempt: 12 });
  });
});

test.each([
  ["no message", { a: "1" }],
  ["no attempt", { m: messageId }],
  ["a message that is no id", { m: "42", a: "1" }],
  ["an id in another spelling", { m: messageId.toUpperCase(), a: "1" }],
  ["two messages", { m: [messageId, messageId], a: "1" }],
  ["attempt 0", { m: messageId, a: "0" }],
  ["a negative attempt", { m: messageId, a: "-1" }],
  ["an attempt with a fraction", { m: messageId, a: "1.5" }],
  ["an attempt in another spelling", { m: messageId, a: "01" }],
  ["an attempt beyond all bounds", { m: messageId, a: "99999999999" }],
])("a query with %s is nobody's", (_label, query) => {
  expect(readCallbackQuery(query)).toBeUndefined();
});

describe("the public webhook URL", () => {
  test.each(["https://hooks.example.com", " https://example.com:8443/prefix/ ", "http://127.0.0.1:8081"])(
    "may be %j",
    (text) => {
      expect(readPublicWebhookUrl(text)).toBe(text.trim());
    },
  );

  test.each([
    ["example.com", "must be a URL"],
    ["ftp://example.com", "must be a URL"],
    ["https://example.com/?a=b", "no query"],
    ["https://example.com/#rc=5", "no fragment"],
    ["https://user:pass@example.com", "no user name"],
    ["https://my_host.example.com", "underscores"],
  ])("must not be %s", (text, reason) => {
    expect(() => readPublicWebhookUrl(text)).toThrow(reason);
  });
});
