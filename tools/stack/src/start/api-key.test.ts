import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { apiKeyFile, keptApiKey } from "./api-key.ts";

const folder = mkdtempSync(join(tmpdir(), "wahub-key-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the API key is made once, and only its owner can read the file", async () => {
  const data = join(folder, "data");
  const key = await keptApiKey(data);
  expect(key).toMatch(/^wahub_[\w-]{32}$/);
  expect(readFileSync(apiKeyFile(data), "utf8")).toBe(`${key}\n`);
  expect(statSync(apiKeyFile(data)).mode & 0o777).toBe(0o600);
  expect(await keptApiKey(data)).toBe(key);
});
