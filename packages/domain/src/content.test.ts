import { describe, expect, test } from "@jest/globals";
import { bodyFault, maxBodyLength, metadataFault } from "./content.ts";

describe("a text body", () => {
  test("may have 1,600 characters, whatever they are", () => {
    expect(bodyFault("x".repeat(maxBodyLength))).toBeUndefined();
    expect(bodyFault("😀".repeat(maxBodyLength))).toBeUndefined();
  });

  test.each([
    ["", "empty"],
    [" \n", "empty"],
    ["x".repeat(1601), "1601 characters"],
    ["a\u0000b", "NUL"],
    ["a\ud800b", "lone surrogate"],
  ])("is refused with a reason (case %#)", (body, reason) => {
    expect(bodyFault(body)).toContain(reason);
  });
});

describe("metadata", () => {
  test("may have 4 KiB as JSON", () => {
    expect(metadataFault(JSON.stringify({ k: "x".repeat(4096 - 8) }))).toBeUndefined();
    expect(metadataFault(JSON.stringify({ k: "x".repeat(4096 - 7) }))).toContain("4097 bytes");
  });

  test("counts bytes, not characters", () => {
    expect(metadataFault(JSON.stringify({ k: "é".repeat(3000) }))).toContain("bytes");
  });

  test("must be storable as JSON in PostgreSQL", () => {
    expect(metadataFault(JSON.stringify({ k: "\u0000" }))).toContain("NUL");
    expect(metadataFault(JSON.stringify({ k: "\ud800" }))).toContain("lone surrogate");
    expect(metadataFault(JSON.stringify({ k: "a\\\u0000" }))).toContain("NUL");
    expect(metadataFault(JSON.stringify({ k: "😀" }))).toBeUndefined();
  });

  test("may hold the letters of an escape as text", () => {
    expect(metadataFault(JSON.stringify({ k: String.raw`\u0000 \\u0000 C:\ud800` }))).toBeUndefined();
  });
});
