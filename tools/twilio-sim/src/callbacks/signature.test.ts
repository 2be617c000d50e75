import { describe, expect, test } from "@jest/globals";
import webhooks from "twilio/lib/webhooks/webhooks.js";
import { sign } from "./signature.ts";

describe("the signature", () => {
  test("is the one of Twilio's documented example", () => {
    const form = {
      Digits: "1234",
      CallSid: "CA1234567890ABCDE",
      To: "+18005551212",
      Caller: "+14158675310",
      From: "+14158675310",
    };
    expect(sign("12345", "https://example.com/myapp.php?foo=1&bar=2", form)).toBe("L/OH5YylLD5NRKLltdqwSvS0BnU=");
  });

  test("satisfies the official SDK, with names whose order depends on case and values beyond ASCII", () => {
    const form = { b: "ü ö", B: "", a1: "x+y", A: "😀", From: "whatsapp:+1" };
    const url = "http://127.0.0.1:8081/hook?m=1&a=%20";
    expect(webhooks.validateRequest("token", sign("token", url, form), url, form)).toBe(true);
    expect(webhooks.validateRequest("other", sign("token", url, form), url, form)).toBe(false);
  });
});
