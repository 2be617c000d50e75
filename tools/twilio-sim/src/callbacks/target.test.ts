import { describe, expect, test } from "@jest/globals";
import { parseTarget } from "./target.ts";

describe("a callback's target", () => {
  test("is signed without its fragment, and posted to in the original encoding", () => {
    const target = parseTarget("http://127.0.0.1:8081/hook/%7Ea?m=x%20y&b='#rc=2");
    expect(target).toMatchObject({
      signedUrl: "http://127.0.0.1:8081/hook/%7Ea?m=x%20y&b='",
      origin: "http://127.0.0.1:8081",
      path: "/hook/%7Ea?m=x%20y&b='",
      authorization: undefined,
      policy: { retries: 2 },
    });
  });

  test("keeps a default port where it was written", () => {
    expect(parseTarget("http://localhost:80/x").signedUrl).toBe("http://localhost:80/x");
  });

  test.each([
    ["http://127.0.0.1", "/", "http://127.0.0.1"],
    ["http://127.0.0.1?m=1", "/?m=1", "http://127.0.0.1?m=1"],
    ["http://127.0.0.1/?u=a@b", "/?u=a@b", "http://127.0.0.1/?u=a@b"],
  ])("%s is posted to %s", (url, path, signedUrl) => {
    expect(parseTarget(url)).toMatchObject({ path, signedUrl });
  });

  test("turns userinfo into Basic credentials and does not sign it", () => {
    const target = parseTarget("http://us%40er:pa%zz@127.0.0.1:1/x");
    expect(target.signedUrl).toBe("http://127.0.0.1:1/x");
    expect(target.authorization).toBe(`Basic ${Buffer.from("us@er:pa%zz").toString("base64")}`);
  });

  test.each([
    ["http://127.0.0.1/", true],
    ["http://127.9.9.9:80/", true],
    ["http://2130706433/", true],
    ["http://localhost/", true],
    ["http://[::1]:8081/", true],
    ["https://example.com/", false],
    ["http://127.0.0.1.example.com/", false],
    ["http://localhost.example.com/", false],
    ["http://127.0.0.1@example.com/", false],
    ["http://10.0.0.1/", false],
  ])("%s is loopback: %p", (url, loopback) => expect(parseTarget(url).loopback).toBe(loopback));
});
