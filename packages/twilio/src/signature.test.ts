import { createHmac } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { createSignatureVerifier } from "./signature.ts";
import type { SignedRequest } from "./signature.ts";

const accountSid = `AC${"a".repeat(32)}`;

/** Twilio's published example. */
const vector = {
  token: "12345",
  base: "https://example.com",
  pathAndQuery: "/myapp.php?foo=1&bar=2",
  signature: "L/OH5YylLD5NRKLltdqwSvS0BnU=",
  form: {
    CallSid: "CA1234567890ABCDE",
    Caller: "+14158675310",
    Digits: "1234",
    From: "+14158675310",
    To: "+18005551212",
  },
};

function verify(change: Partial<SignedRequest> & { base?: string; tokens?: string[] } = {}) {
  const { base = vector.base, tokens = [vector.token], ...request } = change;
  const verifier = createSignatureVerifier({
    accounts: [{ sid: accountSid, authTokens: tokens }],
    publicWebhookUrl: base,
  });
  const { pathAndQuery, signature, form } = vector;
  return verifier.verify({ accountSid, signature, pathAndQuery, form, ...request });
}

/** Signs as Twilio documents it, without the SDK. */
function sign(url: string, form: Record<string, string> = vector.form, token = vector.token): string {
  const data =
    url +
    Object.keys(form)
      .toSorted()
      .map((name) => name + form[name])
      .join("");
  return createHmac("sha1", token).update(data).digest("base64");
}

describe("a signature", () => {
  test("of Twilio's published example is right", () => {
    expect(verify()).toBe("ok");
  });

  test("is right with any of the account's tokens", () => {
    expect(verify({ tokens: ["new", vector.token] })).toBe("ok");
  });

  test("is right when the base has a path prefix and a trailing slash", () => {
    const signature = sign(`https://example.com/hub${vector.pathAndQuery}`);
    expect(verify({ base: "https://example.com/hub/", signature })).toBe("ok");
  });

  test("covers the query exactly as received", () => {
    const pathAndQuery = "/status?b=2&a=%7e1+x'";
    expect(verify({ pathAndQuery, signature: sign(vector.base + pathAndQuery) })).toBe("ok");
  });

  test("covers values beyond ASCII and empty ones", () => {
    const form = { Body: "schöne Grüße 👋", Empty: "" };
    expect(verify({ form, signature: sign(vector.base + vector.pathAndQuery, form) })).toBe("ok");
  });

  test.each([
    ["another path", { pathAndQuery: "/other.php?foo=1&bar=2" }],
    ["another query", { pathAndQuery: "/myapp.php?foo=1&bar=3" }],
    ["one value changed", { form: { ...vector.form, Digits: "1235" } }],
    ["one value more", { form: { ...vector.form, Extra: "1" } }],
    ["another token", { tokens: ["54321"] }],
    ["no token", { tokens: [] }],
    ["another scheme", { base: "http://example.com" }],
    ["another host", { base: "https://example.org" }],
    ["a base that is no URL", { base: "nonsense" }],
    ["a fragment", { pathAndQuery: `${vector.pathAndQuery}#rc=3` }],
    ["a signature that is no base64", { signature: "L/OH5YylLD5NRKLltdqwSvS0BnU" }],
    ["a signature too long", { signature: `${vector.signature}AAAA` }],
  ])("does not match %s", (_label, change) => {
    expect(verify(change)).toBe("mismatch");
  });

  test.each([
    ["signed without port, checked with 8443", "https://example.com", "https://example.com:8443", "ok"],
    ["signed without port, checked with 443", "https://example.com", "https://example.com:443", "ok"],
    ["signed with 443, checked without", "https://example.com:443", "https://example.com", "ok"],
    ["signed with 8443, checked with it", "https://example.com:8443", "https://example.com:8443", "ok"],
    ["signed with 8443, checked without", "https://example.com:8443", "https://example.com", "mismatch"],
    ["signed with 8443, checked with 9443", "https://example.com:8443", "https://example.com:9443", "mismatch"],
  ])("%s", (_label, signed, checked, verdict) => {
    expect(verify({ base: checked, signature: sign(signed + vector.pathAndQuery) })).toBe(verdict);
  });
});

describe("a request", () => {
  test.each([
    ["without a signature", undefined],
    ["with an empty signature", ""],
  ])("%s is told apart", (_label, signature) => {
    expect(verify({ signature })).toBe("missing");
  });

  test.each([
    ["of another account", `AC${"f".repeat(32)}`],
    ["of no account", undefined],
  ])("%s is told apart", (_label, sid) => {
    expect(verify({ accountSid: sid })).toBe("unknown_account");
  });

  test("that one account signed does not pass as another's", () => {
    const other = `AC${"b".repeat(32)}`;
    const verifier = createSignatureVerifier({
      accounts: [
        { sid: accountSid, authTokens: ["other token"] },
        { sid: other, authTokens: [vector.token] },
      ],
      publicWebhookUrl: vector.base,
    });
    const { pathAndQuery, signature, form } = vector;
    expect(verifier.verify({ accountSid, signature, pathAndQuery, form })).toBe("mismatch");
    expect(verifier.verify({ accountSid: other, signature, pathAndQuery, form })).toBe("ok");
  });
});
