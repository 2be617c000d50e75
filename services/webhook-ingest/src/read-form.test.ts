import { describe, expect, test } from "@jest/globals";
import { parseForm } from "./read-form.ts";
import { Refusal } from "./refusal.ts";

const parse = (text: string) => ({ ...parseForm(Buffer.from(text)) });

describe("a webhook's form", () => {
  test("is decoded: plus signs, percent escapes, empty values", () => {
    expect(parse("To=whatsapp%3A%2B14155550123&Body=a+b%20%C3%A9&Empty=")).toEqual({
      To: "whatsapp:+14155550123",
      Body: "a b é",
      Empty: "",
    });
  });

  test("keeps every value of a repeated name, in order", () => {
    expect(parse("A=2&B=x&A=1&A=2")).toEqual({ A: ["2", "1", "2"], B: "x" });
  });

  test("may call a field whatever it likes", () => {
    const form = parseForm(Buffer.from("__proto__=x&constructor=y&toString=z"));
    expect(Object.entries(form)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
      ["toString", "z"],
    ]);
  });

  test.each([
    ["bytes that are no text", Buffer.from([0x41, 0x3d, 0xff, 0xfe])],
    ["more fields than anybody needs", Buffer.from("a=1&".repeat(501))],
  ])("is refused for %s", (_case, body) => {
    expect(() => parseForm(body)).toThrow(Refusal);
  });
});
