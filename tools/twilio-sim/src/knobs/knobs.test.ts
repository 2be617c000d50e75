import { describe, expect, test } from "@jest/globals";
import { createKnobBoard } from "./knob-board.ts";
import { DEFAULT_KNOBS, KNOBS, KNOB_NAMES, readKnobs } from "./knobs.ts";

const TO = "+12125550100";

describe("knobs", () => {
  test.each(KNOB_NAMES)("%s accepts its own default", (name) => {
    expect(readKnobs({ [name]: KNOBS[name].fallback })).toEqual({
      values: { [name]: KNOBS[name].fallback },
      faults: [],
    });
  });

  test.each([
    ["readShare", 1.1],
    ["readShare", "0.5"],
    ["readShare", Number.NaN],
    ["latencyMs", 1.5],
    ["latencyMs", -1],
    ["maxConcurrentCreates", 0],
    ["callbackEventType", 1],
    ["failTo", { "12125550100": 63024 }],
    ["failTo", { [TO]: "63024" }],
    ["failTo", { [TO]: { code: 63024, as: "lost" } }],
    ["failTo", [63024]],
    ["failNext", { status: 500, code: 20500 }],
    ["failNext", [{ status: 200, code: 20500 }]],
    ["failNext", [{ status: 500, code: 20500, times: 0 }]],
    ["failNext", [{ status: 500, code: 20500, until: "noon" }]],
    ["failNext", [{ status: 500, code: 20500, to: "you" }]],
    ["failNext", [{ fault: "acceptedRest" }]],
    ["failNext", [{ fault: "acceptedReset", status: 500, code: 20500 }]],
    ["listAliasShare", 2],
    ["senderQueue", 0],
  ])("%s refuses %j", (name, value) => {
    const { values, faults } = readKnobs({ [name]: value });
    expect(values).toEqual({});
    expect(faults).toEqual([expect.stringContaining(`${name} must be`)]);
  });

  test("names that do not exist are faults, also those every object has", () => {
    const { faults } = readKnobs(JSON.parse('{"latency": 1, "toString": 1, "__proto__": 1}'));
    expect(faults).toHaveLength(3);
    expect(faults[0]).toContain('unknown knob "latency"; known are latencyMs,');
  });

  test("addresses lose their channel", () => {
    expect(readKnobs({ failTo: { [`whatsapp:${TO}`]: { code: 63024, as: "failed" } } }).values).toEqual({
      failTo: { [TO]: { code: 63024, as: "failed" } },
    });
  });
});

describe("the knob board", () => {
  test("turns all knobs of a patch or none", () => {
    const board = createKnobBoard(DEFAULT_KNOBS);
    expect(board.patch({ latencyMs: 5, rate429: 2 })).toEqual(["rate429 must be a number from 0 to 1"]);
    expect(board.current).toEqual(DEFAULT_KNOBS);
    expect(board.patch({ latencyMs: 5, rate429: 1 })).toEqual([]);
    expect(board.current).toEqual({ ...DEFAULT_KNOBS, latencyMs: 5, rate429: 1 });
    board.reset();
    expect(board.current).toEqual(DEFAULT_KNOBS);
  });

  test("uses one-shot failures up in their order, each only for whom it is meant", () => {
    const board = createKnobBoard(DEFAULT_KNOBS);
    board.patch({
      failNext: [
        { status: 429, code: 20429, to: TO },
        { fault: "acceptedReset", times: 2 },
      ],
    });
    const taken = ["+12125550199", TO, TO, TO].map((to) => board.takeFailure(to));
    expect(taken.slice(0, 3)).toMatchObject([
      { fault: "acceptedReset" },
      { status: 429, code: 20429 },
      { fault: "acceptedReset" },
    ]);
    expect(taken[3]).toBeUndefined();
    expect(board.current.failNext).toEqual([]);
  });
});
