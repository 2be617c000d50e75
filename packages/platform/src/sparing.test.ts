import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createSparing } from "./sparing.ts";

test("lets one line of each key through in its time, and then says how many it kept back", async () => {
  const speak = createSparing(50);
  expect([speak("a"), speak("a"), speak("b"), speak("a")]).toEqual([0, undefined, 0, undefined]);
  await sleep(60);
  expect(speak("a")).toBe(2);
  expect(speak("a")).toBeUndefined();
});
