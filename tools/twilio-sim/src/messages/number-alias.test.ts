import { describe, expect, test } from "@jest/globals";
import { otherForm } from "./number-alias.ts";

describe("the other form of a number", () => {
  test.each([
    ["+5511987654321", "+551187654321"],
    ["+5215512345678", "+525512345678"],
    ["+5491123456789", "+541123456789"],
  ])("%s is also %s, and the other way round", (one, other) => {
    expect(otherForm(`whatsapp:${one}`)).toBe(`whatsapp:${other}`);
    expect(otherForm(`whatsapp:${other}`)).toBe(`whatsapp:${one}`);
  });

  test.each(["+12125550101", "+551133334444", "+4915112345678"])("%s has none", (number) => {
    expect(otherForm(`whatsapp:${number}`)).toBeUndefined();
  });
});
