import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface EngineRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** podman or Docker, whichever runs here. */
export interface Engine {
  readonly name: "podman" | "docker";
  /** Runs the engine with these arguments; throws when it fails. */
  run(args: readonly string[], options?: { timeoutMs?: number }): Promise<string>;
  /** The same, whatever comes of it. */
  attempt(args: readonly string[], options?: { timeoutMs?: number }): Promise<EngineRun>;
  /** Removes what it has of its own. */
  close(): Promise<void>;
}

/** Where raising limits is not allowed or cgroups are the old ones, podman works with this. */
const plainConfiguration = `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`;

/** The engine as this machine has set it up; undefined where there is none that answers. */
export async function findEngine(): Promise<Engine | undefined> {
  for (const name of ["podman", "docker"] as const) {
    const engine = createEngine(name, [], process.env, async () => {});
    // `version` would be content with a client alone.
    if ((await engine.attempt(["info"], { timeoutMs: 20_000 })).code === 0) return engine;
  }
  return undefined;
}

/** podman with a store of its own that goes away with `close`; undefined where there is no podman. */
export async function privatePodman(): Promise<Engine | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "wahub-podman-"));
  const configuration = join(folder, "containers.conf");
  writeFileSync(configuration, plainConfiguration);
  const store = ["--root", join(folder, "store"), "--runroot", join(folder, "run")];
  const env = { ...process.env, CONTAINERS_CONF: configuration };
  const remove = async (): Promise<void> => {
    await engine.attempt(["system", "reset", "--force"]);
    rmSync(folder, { recursive: true, force: true });
  };
  const engine = createEngine("podman", store, env, remove);
  if ((await engine.attempt(["info"])).code === 0) return engine;
  rmSync(folder, { recursive: true, force: true });
  return undefined;
}

function createEngine(
  name: Engine["name"],
  global: readonly string[],
  env: NodeJS.ProcessEnv,
  close: () => Promise<void>,
): Engine {
  const attempt: Engine["attempt"] = (args, { timeoutMs = 60_000 } = {}) =>
    new Promise((resolve) => {
      const options = { env, timeout: timeoutMs, maxBuffer: 64 << 20, encoding: "utf8" } as const;
      execFile(name, [...global, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr: stderr === "" && error !== null ? error.message : stderr });
      });
    });
  return {
    name,
    attempt,
    async run(args, options) {
      const { code, stdout, stderr } = await attempt(args, options);
      if (code === 0) return stdout;
      throw new Error(
        `${name} ${args.slice(0, 2).join(" ")} ended with ${code}:\n${stdout.slice(-2000)}${stderr.slice(-2000)}`,
      );
    },
    close,
  };
}
