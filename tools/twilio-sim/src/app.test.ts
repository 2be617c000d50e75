import { expect, test } from "@jest/globals";
import { VALID, startSim } from "./testing/running-sim.ts";

test("stopping breaks off what is open, and nothing happens afterwards", async () => {
  const sim = await startSim({ knobs: { latencyMs: 60_000 } });
  const create = expect(sim.create(VALID)).rejects.toThrow();
  await sim.clock.armed();
  const startedAt = performance.now();
  await sim.stop();
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await create;
  sim.clock.advance(60_000);
  await expect(sim.stats()).rejects.toThrow();
});
