import { describe, expect, test } from "@jest/globals";
import { createDice } from "../dice.ts";
import { DEFAULT_KNOBS } from "../knobs/knobs.ts";
import { createLedger } from "./ledger.ts";
import { createNextStep } from "./next-step.ts";
import type { Knobs } from "../knobs/knobs.ts";

const nextStep = createNextStep(createDice("seed"));

/** Walks `count` messages to their ends and returns their statuses and delays. */
function walk(count: number, changes: Partial<Knobs> = {}): { path: string; delays: number[]; code: number | null }[] {
  const knobs = { ...DEFAULT_KNOBS, ...changes };
  const ledger = createLedger(0);
  return Array.from({ length: count }, () => {
    const draft = { to: "whatsapp:+12125550101", from: "", body: "", numMedia: 0, fromTemplate: false };
    const record = ledger.accept({ ...draft, statusCallback: null }, 0);
    const path: string[] = [];
    const delays: number[] = [];
    for (let step = nextStep(record, knobs); step !== undefined; step = nextStep(record, knobs)) {
      ledger.advance(record, step.status, 0, step.errorCode);
      path.push(step.status);
      delays.push(step.delayMs);
    }
    return { path: path.join(" "), delays, code: record.errorCode };
  });
}

/** The median delay of a stage: 0 to sent, 1 to delivered, 2 to read. */
function medianOf(stage: number, changes: Partial<Knobs>): number {
  const delays = walk(1_001, { readShare: 1, ...changes }).map((one) => one.delays[stage]!);
  return delays.toSorted((a, b) => a - b)[500]!;
}

describe("a message's next step", () => {
  test("leads to delivered, and to read for the share that reads", () => {
    const paths = walk(2_000).map(({ path }) => path);
    const read = paths.filter((path) => path === "sent delivered read").length;
    expect(paths.filter((path) => path === "sent delivered").length).toBe(2_000 - read);
    expect(read / 2_000).toBeCloseTo(0.7, 1);
  });

  test("comes after delays around their medians, faster by speed", () => {
    expect(medianOf(0, { sentDelayMs: 100 }) / 100).toBeCloseTo(1, 0);
    expect(medianOf(1, { deliveredDelayMs: 300 }) / 300).toBeCloseTo(1, 0);
    expect(medianOf(2, { readDelayMs: 600, speed: 10 }) / 60).toBeCloseTo(1, 0);
    for (const { delays } of walk(100, { readShare: 1 })) {
      expect(delays[0]).toBeGreaterThan(120 / 2.8);
      expect(delays[0]).toBeLessThan(120 * 2.8);
    }
  });

  test("is undelivered after sent, or failed instead of it, for recipients that fail", () => {
    expect(walk(1, { failTo: { "+12125550101": { code: 63024, as: "undelivered" } } })[0]).toMatchObject({
      path: "sent undelivered",
      code: 63024,
    });
    expect(walk(1, { failTo: { "+12125550101": { code: 30008, as: "failed" } } })[0]).toMatchObject({
      path: "failed",
      code: 30008,
    });
    expect(walk(1, { failTo: { "+12125550199": { code: 30008, as: "failed" } } })[0]!.code).toBeNull();
  });
});
