import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { readEnvFile, withEnvFile } from "./environment.ts";

const folder = mkdtempSync(join(tmpdir(), "wahub-env-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe(".env", () => {
  test("sets what it names, with quotes and comments", () => {
    const file = join(folder, ".env");
    writeFileSync(file, "# servers\nREDIS_URL=redis://a:1\nTWILIO_AUTH_TOKEN='a b # c'\n\n#LOG_LEVEL=debug\n");
    expect(readEnvFile(file)).toEqual({ REDIS_URL: "redis://a:1", TWILIO_AUTH_TOKEN: "a b # c" });
  });

  test("may be missing, but must be readable where it is", () => {
    expect(readEnvFile(join(folder, "none"))).toEqual({});
    expect(() => readEnvFile(folder)).toThrow(`${folder} cannot be read`);
  });

  test("goes after the environment, which also wins with an empty value", () => {
    const env = withEnvFile(
      { LOG_LEVEL: "debug", REDIS_URL: "" },
      { LOG_LEVEL: "info", REDIS_URL: "redis://a", FOLD_EVERY_MS: "100" },
    );
    expect(env).toEqual({ LOG_LEVEL: "debug", REDIS_URL: "", FOLD_EVERY_MS: "100" });
  });
});
