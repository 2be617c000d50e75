import { expect, test } from "@jest/globals";
import { config } from "./config.ts";
import { isEarly } from "./early-look.ts";

test("the second look comes long after a connection has given its last bytes up, unless it is set otherwise", () => {
  const [afterMs, settleMs] = [config.RECONCILE_AFTER_MS.default, config.RECONCILE_SETTLE_MS.default];
  expect(isEarly({ afterMs, settleMs })).toBe(false);
  expect(isEarly({ afterMs, settleMs: settleMs - 15_000 })).toBe(false);
  expect(isEarly({ afterMs: 30_000, settleMs: 30_000 })).toBe(true);
});
