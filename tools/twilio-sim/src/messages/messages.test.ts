import { describe, expect, test } from "@jest/globals";
import { isE164, maskLastFour, withoutChannel } from "./address.ts";
import { packOutcome, unpackOutcome } from "./callback-outcome.ts";
import { rfc2822 } from "./rfc2822.ts";
import { createSidSeries } from "./sid.ts";
import { MESSAGE_STATUSES } from "./status.ts";
import type { CallbackResult } from "./callback-outcome.ts";

describe("addresses", () => {
  test("are E.164 with a plus sign, seven digits at least and fifteen at most", () => {
    for (const number of ["+12125550100", "+1234567", "+123456789012345"]) expect(isE164(number)).toBe(true);
    for (const text of ["12125550100", "+1555", "+0212555010", "+1234567890123456", "+1212 555", ""]) {
      expect(isE164(text)).toBe(false);
    }
  });

  test("lose their channel, and their last four digits where they are shown", () => {
    expect(withoutChannel("whatsapp:+12125550100")).toBe("+12125550100");
    expect(maskLastFour("+551190000000")).toBe("+55119000XXXX");
  });
});

test("dates are RFC 2822 with a numeric zone", () => {
  expect(rfc2822(Date.UTC(2023, 7, 24, 5, 1, 45, 999))).toBe("Thu, 24 Aug 2023 05:01:45 +0000");
  expect(rfc2822(0)).toBe("Thu, 01 Jan 1970 00:00:00 +0000");
});

describe("sids", () => {
  const sids = createSidSeries();

  test("lead back to their index", () => {
    for (const index of [0, 1, 2, 999_999, 2 ** 31, 2 ** 32 - 1]) {
      expect(sids.indexOf(`SM${sids.digits(index)}`)).toBe(index);
    }
  });

  test("are 32 hexadecimal digits that do not sort by time", () => {
    const digits = Array.from({ length: 100 }, (_, index) => sids.digits(index));
    for (const one of digits) expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(digits.toSorted()).not.toEqual(digits);
  });

  test("of another run mean nothing", () => {
    expect(sids.indexOf(`SM${createSidSeries().digits(0)}`)).toBeUndefined();
    expect(sids.indexOf("SM123")).toBeUndefined();
    expect(sids.indexOf(`SM${sids.digits(0)}0`)).toBeUndefined();
  });
});

test("packed callback outcomes unpack to what they were", () => {
  const results: CallbackResult[] = [
    100,
    204,
    599,
    "dropped",
    "refused_host",
    "overflow",
    "connect_failed",
    "timed_out",
  ];
  for (const status of MESSAGE_STATUSES) {
    for (const result of [...results, "connection_lost" as const]) {
      for (const attempts of [0, 1, 6]) {
        const outcome = { status, result, attempts };
        expect(unpackOutcome(packOutcome(outcome))).toEqual(outcome);
      }
    }
  }
});
