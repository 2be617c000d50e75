import { describe, expect, test } from "@jest/globals";
import { createDice } from "./dice.ts";

const ROLLS = Array.from({ length: 10_000 }, (_, n) => n);

describe("the dice", () => {
  test("roll the same for the same seed, purpose and number", () => {
    const rolls = ROLLS.map(createDice("seed").for("read"));
    expect(ROLLS.map(createDice("seed").for("read"))).toEqual(rolls);
    expect(ROLLS.map(createDice("other").for("read"))).not.toEqual(rolls);
    expect(ROLLS.map(createDice("seed").for("drop"))).not.toEqual(rolls);
  });

  test.each([0.01, 0.3, 0.7])("fall below %p in that share of rolls", (share) => {
    const below = ROLLS.map(createDice("seed").for("read")).filter((roll) => roll < share).length;
    expect(Math.abs(below / ROLLS.length - share)).toBeLessThan(0.015);
  });

  test("stay in [0, 1)", () => {
    const rolls = ROLLS.map(createDice("seed").for("read"));
    expect(Math.min(...rolls)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...rolls)).toBeLessThan(1);
  });
});
