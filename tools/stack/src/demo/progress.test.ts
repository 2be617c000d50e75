import { expect, test } from "@jest/globals";
import { describe as describeProgress } from "./progress.ts";

test("the progress counts a message in every stage it has reached", () => {
  const counts = [
    { status: "accepted", errorCode: 0, count: 1 },
    { status: "submitted", errorCode: 0, count: 2 },
    { status: "sent", errorCode: 0, count: 3 },
    { status: "delivered", errorCode: 0, count: 4 },
    { status: "read", errorCode: 0, count: 5 },
    { status: "unknown", errorCode: 0, count: 6 },
  ];
  const line = describeProgress({ state: "running", settled: false, total: 21, counts }, 1_234);
  expect(line).toBe("  1.2 s   14 of 21 sent out · 9 delivered · 5 read · 6 in trouble");
});
