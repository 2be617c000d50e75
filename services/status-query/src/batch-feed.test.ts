import { describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { BatchState, MessageStatus } from "@wahub/proto";
import type { StoredBatch } from "@wahub/store";
import { createBatchFeed } from "./batch-feed.ts";

const batchOf = (delivered: number, settledAt?: Date) =>
  ({
    id: "b",
    state: BatchState.RUNNING,
    counts: [{ status: MessageStatus.DELIVERED, errorCode: 0, count: delivered }],
    completedAt: settledAt,
    settledAt,
    pause: undefined,
  }) as unknown as StoredBatch;
const forever = new AbortController().signal;

/** Answers each reading when it is told what with. */
function scripted() {
  const asked: {
    answer: (batch: StoredBatch | undefined) => void;
    fail: (error: Error) => void;
    signal: AbortSignal;
  }[] = [];
  let wake = (): void => {};
  return {
    read: async (_tenantId: string, _batchId: string, signal: AbortSignal) =>
      new Promise<StoredBatch | undefined>((answer, fail) => {
        asked.push({ answer, fail, signal });
        wake();
      }),
    count: () => asked.length,
    question: async (n: number) => {
      while (asked.length <= n) await new Promise<void>((resolve) => (wake = resolve));
      return asked[n]!;
    },
  };
}
const countOf = (batch: StoredBatch | undefined): number | undefined => batch?.counts[0]?.count;

describe("a feed of batches", () => {
  test("asks once for two hundred watchers of one batch, and tells them all", async () => {
    const { read, question, count } = scripted();
    const feed = createBatchFeed({ read, everyMs: 1 });
    const watchers = Array.from({ length: 200 }, async () => {
      const seen: (number | undefined)[] = [];
      for await (const batch of feed.watch("t", "b", forever)) seen.push(countOf(batch));
      return seen;
    });
    (await question(0)).answer(batchOf(1));
    (await question(1)).answer(batchOf(1));
    (await question(2)).answer(batchOf(2));
    (await question(3)).answer(batchOf(3, new Date()));
    for (const seen of await Promise.all(watchers)) expect(seen).toEqual([1, 2, 3]);
    expect(count()).toBe(4);
  });

  test("shows who comes later what is known, and only what is the tenant's own", async () => {
    const { read, question, count } = scripted();
    const feed = createBatchFeed({ read, everyMs: 60_000 });
    const first = feed.watch("t", "b", forever);
    const shown = first.next();
    (await question(0)).answer(batchOf(1));
    expect(countOf((await shown).value as StoredBatch)).toBe(1);
    const second = feed.watch("t", "b", forever);
    expect(countOf((await second.next()).value as StoredBatch)).toBe(1);
    expect(count()).toBe(1);
    const other = feed.watch("other", "b", forever);
    const answer = other.next();
    (await question(1)).answer(undefined);
    expect(await answer).toEqual({ done: false, value: undefined });
    expect((await other.next()).done).toBe(true);
    await first.return(undefined);
    await second.return(undefined);
  });

  test("skips for a slow watcher what has been overtaken", async () => {
    const { read, question } = scripted();
    const feed = createBatchFeed({ read, everyMs: 1 });
    const watcher = feed.watch("t", "b", forever);
    const shown = watcher.next();
    (await question(0)).answer(batchOf(1));
    await shown;
    (await question(1)).answer(batchOf(2));
    (await question(2)).answer(batchOf(3));
    await question(3);
    expect(countOf((await watcher.next()).value as StoredBatch)).toBe(3);
    await watcher.return(undefined);
  });

  test("stops asking when the last watcher has gone", async () => {
    const { read, question, count } = scripted();
    const feed = createBatchFeed({ read, everyMs: 1 });
    const gone = new AbortController();
    const watching = feed.watch("t", "b", gone.signal).next();
    const { signal } = await question(0);
    gone.abort(new Error("gone"));
    await expect(watching).rejects.toThrow("gone");
    expect(signal.aborted).toBe(true);
    // The next one begins anew.
    const again = feed.watch("t", "b", forever);
    const shown = again.next();
    (await question(1)).answer(batchOf(7));
    expect(countOf((await shown).value as StoredBatch)).toBe(7);
    await again.return(undefined);
    expect(count()).toBe(2);
  });

  test("tells every watcher when it cannot ask, and asks again for the next", async () => {
    const { read, question } = scripted();
    const feed = createBatchFeed({ read, everyMs: 1 });
    const watchers = [feed.watch("t", "b", forever).next(), feed.watch("t", "b", forever).next()];
    (await question(0)).fail(new HubError("unavailable", "away"));
    for (const watcher of watchers) await expect(watcher).rejects.toMatchObject({ kind: "unavailable" });
    const again = feed.watch("t", "b", forever);
    const shown = again.next();
    (await question(1)).answer(batchOf(1));
    expect(countOf((await shown).value as StoredBatch)).toBe(1);
    await again.return(undefined);
  });
});
