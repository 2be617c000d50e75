import { describe, expect, test } from "@jest/globals";
import { comparableText, textsDiffer } from "./comparable-text.ts";

const differ = (a: string, b: string): boolean => textsDiffer(comparableText(a), comparableText(b));

describe("two texts", () => {
  test.each([
    ["Your parcel", "Your invoice"],
    ["Code 1234", "Code 4321"],
    ["Zażółć", "Zazolc"],
  ])("%j and %j certainly differ", (a, b) => {
    expect(differ(a, b)).toBe(true);
  });

  test.each([
    ["the same", "the same"],
    ["  It’s  here\r\n", "it's here"],
    ["ﬁne é", "fine e\u0301"],
    ["Hello", ""],
    ["😀😀", "anything"],
    ["Sent from your Twilio trial account - Hello", "Hello"],
  ])("%j and %j may be the same message", (a, b) => {
    expect(differ(a, b)).toBe(false);
    expect(differ(b, a)).toBe(false);
  });
});
