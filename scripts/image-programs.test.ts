import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { modulesToCompile, programs } from "../image/programs.mjs";

const root = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", env: {} });

describe("the programs of the image", () => {
  test("each has a file, and what is compiled ahead too", () => {
    for (const path of [...programs.values(), ...modulesToCompile])
      expect([path, existsSync(join(root, "image", path.replace(/\.js$/, ".ts")))]).toEqual([path, true]);
  });

  test("each is named where the image is explained", () => {
    for (const name of programs.keys()) {
      expect(read("Dockerfile").split("\n")[1]).toContain(name);
      expect(read("docs/deploying.md")).toContain(`\`${name}\``);
    }
  });

  test("the word picks the program, from sources too", () => {
    expect(run("image/hub.mjs", "audit")).toMatchObject({
      status: 78,
      stderr: expect.stringContaining("DATABASE_URL"),
    });
    expect(run("image/hub.mjs", "nonsense").status).toBe(64);
  });

  test("the smoke test wants a door to knock at, and the gateway for a message", () => {
    expect(run("image/smoke.mjs").status).toBe(64);
    expect(run("image/smoke.mjs", "--dispatch=localhost:1", "--key=k").status).toBe(64);
  });
});
