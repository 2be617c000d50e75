import { describe, expect, test } from "@jest/globals";
import { createFairGate, type FairGate } from "./fair-gate.ts";

const gateOf = (options: Partial<Parameters<typeof createFairGate>[0]> = {}): FairGate =>
  createFairGate({ capacity: 4, waitingPerKey: 100, waiting: 1_000, busyWith: "tests run", ...options });

/** Enters and says so in the story; the answer gives the room back. */
function entering(gate: FairGate, story: string[], name: string, key: string, cost = 1): Promise<() => void> {
  const entered = gate.enter(key, cost);
  void entered.then(() => story.push(name));
  return entered;
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("a fair gate", () => {
  test("lets in at once as much as there is room for, and the next when somebody leaves", async () => {
    const story: string[] = [];
    const gate = gateOf();
    const leave = await entering(gate, story, "three", "a", 3);
    await entering(gate, story, "one", "b", 1);
    void entering(gate, story, "waits", "c", 1);
    await turn();
    expect(story).toEqual(["three", "one"]);
    leave();
    await turn();
    expect(story).toEqual(["three", "one", "waits"]);
  });

  test("gives the next turn to whoever holds least, not to whoever has asked most often", async () => {
    const story: string[] = [];
    const gate = gateOf({ capacity: 2 });
    const leaves = [await entering(gate, story, "a1", "a"), await entering(gate, story, "a2", "a")];
    for (const name of ["a3", "a4", "a5"]) void entering(gate, story, name, "a");
    void entering(gate, story, "b1", "b");
    leaves[0]!();
    await turn();
    expect(story).toEqual(["a1", "a2", "b1"]);
    leaves[1]!();
    await turn();
    expect(story).toEqual(["a1", "a2", "b1", "a3"]);
  });

  test("keeps room from one key that others can have", async () => {
    const story: string[] = [];
    const gate = gateOf({ capacity: 4, capacityPerKey: 3 });
    for (const name of ["a1", "a2", "a3", "a4"]) void entering(gate, story, name, "a");
    await turn();
    expect(story).toEqual(["a1", "a2", "a3"]);
    await entering(gate, story, "b1", "b");
    expect(story).toEqual(["a1", "a2", "a3", "b1"]);
  });

  test("does not let small work overtake great work for ever", async () => {
    const story: string[] = [];
    const gate = gateOf({ capacity: 4 });
    const small = [await gate.enter("a", 1), await gate.enter("a", 1)];
    void entering(gate, story, "great", "b", 4);
    void entering(gate, story, "small", "c", 1);
    await turn();
    expect(story).toEqual([]);
    for (const leave of small) leave();
    await turn();
    expect(story).toEqual(["great"]);
  });

  test("lets in what is greater than anybody may hold, alone", async () => {
    const gate = gateOf({ capacity: 4, capacityPerKey: 2 });
    const leave = await gate.enter("a", 1_000);
    leave();
    leave();
    await Promise.all([gate.enter("a", 2), gate.enter("b", 2)]);
  });

  test("refuses what would wait behind too much of the same key as limited, and of all as unavailable", async () => {
    const gate = gateOf({ capacity: 1, waitingPerKey: 2, waiting: 3 });
    await gate.enter("a", 1);
    const waiting = [gate.enter("a", 1), gate.enter("a", 1)];
    await expect(gate.enter("a", 1)).rejects.toMatchObject({ kind: "limited", retryAfterMs: 1_000 });
    waiting.push(gate.enter("b", 1));
    await expect(gate.enter("c", 1)).rejects.toMatchObject({ kind: "unavailable" });
    expect(waiting).toHaveLength(3);
  });

  test("lets nobody wait where that is not wanted", async () => {
    const gate = createFairGate({ capacity: 2, capacityPerKey: 1, busyWith: "tests run" });
    const leave = await gate.enter("a", 1);
    await expect(gate.enter("a", 1)).rejects.toMatchObject({ kind: "limited" });
    await gate.enter("b", 1);
    await expect(gate.enter("c", 1)).rejects.toMatchObject({ kind: "unavailable" });
    leave();
    await gate.enter("a", 1);
  });

  test("forgets who goes away while waiting", async () => {
    const story: string[] = [];
    const gate = gateOf({ capacity: 1, waitingPerKey: 1 });
    const leave = await gate.enter("a", 1);
    const gone = new AbortController();
    const waiting = gate.enter("b", 1, gone.signal);
    const reason = new Error("gone");
    gone.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    void entering(gate, story, "next", "b");
    leave();
    await turn();
    expect(story).toEqual(["next"]);
    await expect(gate.enter("a", 1, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
