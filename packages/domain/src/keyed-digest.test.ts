import { createHmac, randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { createKeyedDigest } from "./keyed-digest.ts";

describe("a keyed digest", () => {
  test.each([0, 1, 36, 63, 64, 65, 200])("is HMAC-SHA256, with a key of %i bytes", (size) => {
    const key = randomBytes(size);
    const digest = createKeyedDigest(key);
    for (const text of ["", "+14155550123", "é😀", "x".repeat(1000)]) {
      expect(digest(text)).toEqual(createHmac("sha256", key).update(text).digest());
    }
  });
});
