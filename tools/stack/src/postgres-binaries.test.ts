import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { copyInto } from "./postgres-binaries.ts";

let folder: string;
let target: string;
let native: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wahub-binaries-test-"));
  target = join(folder, "target");
  native = join(folder, "package", "native");
  for (const path of ["bin", "lib/postgresql", "share"]) mkdirSync(join(native, path), { recursive: true });
  mkdirSync(target);
  writeFileSync(join(folder, "package", "package.json"), JSON.stringify({ version: "18.4.0" }));
  writeFileSync(join(native, "bin/postgres"), "program", { mode: 0o700 });
  writeFileSync(join(native, "lib/libpq.so.5.18"), "library", { mode: 0o600 });
  writeFileSync(join(native, "lib/libpq.a"), "not needed to run");
  symlinkSync("libpq.so.5.18", join(native, "lib/libpq.so.5"));
  chmodSync(join(native, "lib"), 0o700);
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("a copy of the PostgreSQL binaries", () => {
  test("holds what is needed to run, links as links, readable for everyone and writable for nobody else", async () => {
    const copy = (await copyInto(target, native)) ?? "";
    expect(copy).toMatch(/wahub-postgres-18\.4\.0-[0-9a-f]{12}$/);
    expect(readFileSync(join(copy, "bin/postgres"), "utf8")).toBe("program");
    expect(readlinkSync(join(copy, "lib/libpq.so.5"))).toBe("libpq.so.5.18");
    expect(readdirSync(join(copy, "lib"))).not.toContain("libpq.a");
    const modes = ["", "bin", "bin/postgres", "lib", "lib/libpq.so.5.18"].map(
      (path) => lstatSync(join(copy, path)).mode & 0o777,
    );
    expect(modes).toEqual([0o755, 0o755, 0o755, 0o755, 0o644]);
  });

  test("leaves the modes of the original alone", async () => {
    await copyInto(target, native);
    expect(lstatSync(join(native, "lib")).mode & 0o777).toBe(0o700);
  });

  test("is made once, even by several runs at once", async () => {
    const copies = await Promise.all(Array.from({ length: 4 }, () => copyInto(target, native)));
    expect(new Set(copies).size).toBe(1);
    expect(readdirSync(target)).toHaveLength(1);
  });

  test("is made again when a cleaner of temporary files took some of it", async () => {
    const copy = (await copyInto(target, native)) ?? "";
    rmSync(join(copy, "lib/libpq.so.5.18"));
    await expect(copyInto(target, native)).resolves.toBe(copy);
    expect(readFileSync(join(copy, "lib/libpq.so.5.18"), "utf8")).toBe("library");
  });

  test("that others could have changed is not used", async () => {
    const copy = (await copyInto(target, native)) ?? "";
    chmodSync(copy, 0o777);
    await expect(copyInto(target, native)).resolves.toBeUndefined();
    rmSync(copy, { recursive: true });
    cpSync(native, `${copy}.elsewhere`, { recursive: true });
    symlinkSync(`${copy}.elsewhere`, copy);
    await expect(copyInto(target, native)).resolves.toBeUndefined();
  });
});
