import { describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { createGroupCommit } from "./group-commit.ts";

/** A writer that records its groups and finishes when told to. */
function gatedWriter() {
  const groups: number[][] = [];
  const gates: (() => void)[] = [];
  const write = async (items: readonly number[]): Promise<number[]> => {
    groups.push([...items]);
    await new Promise<void>((resolve) => gates.push(resolve));
    return items.map((n) => n * 10);
  };
  return { groups, gates, write };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("group commit", () => {
  test("writes what arrives together in one transaction and answers each with its own result", async () => {
    const { groups, gates, write } = gatedWriter();
    const commit = createGroupCommit({ write, maxItems: 100, maxConcurrent: 1 });
    const results = Promise.all([1, 2, 3].map((n) => commit.submit(n)));
    await turn();
    gates[0]!();
    expect(await results).toEqual([10, 20, 30]);
    expect(groups).toEqual([[1, 2, 3]]);
  });

  test("gathers what arrives during a transaction for the next one, up to the limit", async () => {
    const { groups, gates, write } = gatedWriter();
    const commit = createGroupCommit({ write, maxItems: 2, maxConcurrent: 1 });
    const first = commit.submit(1);
    await turn();
    const rest = Promise.all([2, 3, 4].map((n) => commit.submit(n)));
    await turn();
    expect(groups).toEqual([[1]]);
    gates[0]!();
    await first;
    await turn();
    gates[1]!();
    await turn();
    await turn();
    gates[2]!();
    await rest;
    expect(groups).toEqual([[1], [2, 3], [4]]);
  });

  test("isolates the item that cannot be written", async () => {
    const commit = createGroupCommit({
      write: async (items: readonly number[]) => {
        if (items.includes(13)) throw new Error("poison");
        return items;
      },
      maxItems: 100,
      maxConcurrent: 2,
    });
    const results = await Promise.allSettled([1, 13, 2, 3, 4].map((n) => commit.submit(n)));
    expect(results.map((r) => r.status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
  });

  test("does not search for a culprit when the database is away", async () => {
    let writes = 0;
    const commit = createGroupCommit({
      write: async () => {
        writes++;
        throw new HubError("unavailable", "away");
      },
      maxItems: 100,
      maxConcurrent: 1,
    });
    const results = await Promise.allSettled([1, 2, 3].map((n) => commit.submit(n)));
    expect(results.every((r) => r.status === "rejected")).toBe(true);
    expect(writes).toBe(1);
  });

  test("lets nobody wait in line for a database that is away", async () => {
    let writes = 0;
    const commit = createGroupCommit({
      write: async () => {
        writes++;
        await turn();
        throw new HubError("unavailable", "away");
      },
      maxItems: 2,
      maxConcurrent: 1,
    });
    const results = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => commit.submit(n)));
    expect(results.every((r) => r.status === "rejected")).toBe(true);
    expect(writes).toBe(1);
    await commit.drain();
  });

  test("drains: everything submitted before is written", async () => {
    const { gates, write } = gatedWriter();
    const commit = createGroupCommit({ write, maxItems: 1, maxConcurrent: 1 });
    const done: number[] = [];
    void commit.submit(1).then((n) => done.push(n));
    void commit.submit(2).then((n) => done.push(n));
    await turn();
    const drained = commit.drain();
    gates[0]!();
    await turn();
    await turn();
    gates[1]!();
    await drained;
    expect(done).toEqual([10, 20]);
    await commit.drain();
  });
});
