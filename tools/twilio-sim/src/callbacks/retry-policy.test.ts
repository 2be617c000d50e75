import { describe, expect, test } from "@jest/globals";
import { DEFAULT_POLICY, mayRetry, parseRetryPolicy } from "./retry-policy.ts";

describe("the retry policy", () => {
  test("without a fragment is one retry, when the connection failed", () => {
    expect(parseRetryPolicy("")).toEqual(DEFAULT_POLICY);
    expect(DEFAULT_POLICY.retries).toBe(1);
    expect(mayRetry(DEFAULT_POLICY, "connect_failed")).toBe(true);
    for (const result of ["timed_out", "connection_lost", 404, 500, 200] as const) {
      expect(mayRetry(DEFAULT_POLICY, result)).toBe(false);
    }
  });

  test("reads every key of the fragment", () => {
    expect(parseRetryPolicy("rc=3&rp=ct,rt,5xx&ct=200&rt=300&tt=400")).toEqual({
      retries: 3,
      retryOn: new Set(["5xx", "ct", "rt"]),
      connectTimeoutMs: 200,
      readTimeoutMs: 300,
      totalMs: 400,
    });
  });

  test.each(["rc=6", "rc=-1", "rc=two", "ct=99", "rt=15001", "tt=20000", "rp=", "rp=sometimes", "sni=x&e=ashburn"])(
    "ignores %s",
    (fragment) => expect(parseRetryPolicy(fragment)).toEqual(DEFAULT_POLICY),
  );

  test("with all tries again whatever went wrong, but nothing that went well", () => {
    const policy = parseRetryPolicy("rp=all");
    for (const result of ["connect_failed", "timed_out", "connection_lost", 403, 503] as const) {
      expect(mayRetry(policy, result)).toBe(true);
    }
    for (const result of [200, 302, "overflow"] as const) expect(mayRetry(policy, result)).toBe(false);
  });
});
