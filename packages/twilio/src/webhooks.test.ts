import { execFileSync } from "node:child_process";
import { expect, test } from "@jest/globals";

test("receiving webhooks does not load the SDK", () => {
  const door = new URL("./webhooks.ts", import.meta.url).href;
  const script = `
    await import(${JSON.stringify(door)});
    const { Module } = await import("node:module");
    console.log(Object.keys(Module._cache).filter((path) => /axios|twilio.lib.rest/.test(path)).length);
  `;
  const loaded = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(loaded.trim()).toBe("0");
});
