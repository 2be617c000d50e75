import { describe, expect, test } from "@jest/globals";
import { planStorm, REPLICAS } from "./blows.ts";
import { planCampaign } from "./campaign.ts";

const FACTS = { stormMs: 300_000, leaseMs: 6_000, verdictMs: 12_000, stallTwilioMs: 3_000 };

describe("the plan of a storm", () => {
  test("is the same for the same seed, and another for another", () => {
    expect(planStorm(7, FACTS)).toEqual(planStorm(7, FACTS));
    expect(planStorm(8, FACTS)).not.toEqual(planStorm(7, FACTS));
  });

  test.each([1, 2, 3, 4, 5])(
    "has at least 40 blows in five minutes (seed %i), in order and within the storm",
    (seed) => {
      const plan = planStorm(seed, FACTS);
      const times = plan.map(({ atMs }) => atMs);
      expect(plan.length).toBeGreaterThanOrEqual(40);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times.at(-1)).toBeLessThan(FACTS.stormMs);
    },
  );

  test("strikes existing replicas only, and freezes senders past their lease", () => {
    const blows = [1, 2, 3].flatMap((seed) => planStorm(seed, FACTS).map(({ blow }) => blow));
    for (const blow of blows) {
      if ("service" in blow) expect(blow.replica).toBeLessThan(REPLICAS[blow.service]);
      if (blow.kind === "stall" && blow.server === "twilio") expect(blow.forMs).toBeLessThan(FACTS.stallTwilioMs);
    }
    const long = blows.filter((blow) => blow.kind === "freeze" && blow.forMs > FACTS.leaseMs);
    expect(long.length).toBeGreaterThan(5);
    expect(long.every((blow) => blow.kind === "freeze" && blow.service === "sender")).toBe(true);
  });

  test("has what matters most even when it is short", () => {
    const kinds = planStorm(1, { ...FACTS, stormMs: 45_000 }).map(({ blow }) => blow.kind);
    expect(kinds).toEqual(expect.arrayContaining(["kill", "freeze", "redis_flush", "redis_kill", "postgresql_kill"]));
  });
});

describe("the plan of a campaign", () => {
  test("is the same for the same seed, with distinct recipients in each batch and the same people in several", () => {
    const facts = { stormMs: 300_000, messagesPerSecond: 40 };
    const orders = planCampaign(7, facts);
    expect(planCampaign(7, facts)).toEqual(orders);
    for (const { recipients } of orders) expect(new Set(recipients).size).toBe(recipients.length);
    const all = orders.flatMap(({ recipients }) => recipients);
    expect(new Set(all).size).toBeLessThan(all.length);
    expect(new Set(orders.map(({ door }) => door))).toEqual(new Set(["grpc", "stream", "connect", "rest"]));
  });
});
