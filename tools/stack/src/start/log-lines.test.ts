import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";
import { createLogLines } from "./log-lines.ts";

async function written(isTTY: boolean): Promise<string> {
  const output = Object.assign(new PassThrough(), { isTTY, getColorDepth: () => 8 });
  const lines = createLogLines(output as unknown as NodeJS.WriteStream);
  lines.write("sender", "started");
  lines.write("webhook-ingest", "started");
  output.end();
  return text(output);
}

test("lines stand behind the name of their service", async () => {
  expect(await written(false)).toBe("sender         | started\nwebhook-ingest | started\n");
});

test("names have a colour each on a terminal, lines have none", async () => {
  const { NO_COLOR, FORCE_COLOR, NODE_DISABLE_COLORS } = process.env;
  for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS"]) delete process.env[name];
  const [first, second] = (await written(true)).split("\n");
  Object.assign(process.env, JSON.parse(JSON.stringify({ NO_COLOR, FORCE_COLOR, NODE_DISABLE_COLORS })));
  expect(first).toBe("\u001b[36msender         |\u001b[39m started");
  expect(second).toBe("\u001b[32mwebhook-ingest |\u001b[39m started");
});
