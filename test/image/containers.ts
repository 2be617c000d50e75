import { createServer } from "node:net";
import type { Engine } from "./engine.ts";

/** A program of the image that runs. */
export interface Container {
  readonly program: string;
  /** Everything it has written. */
  logs(): Promise<string>;
  /** SIGTERM; how long it took to end, and with which exit code. */
  terminate(): Promise<{ code: number; tookMs: number }>;
  /** Bytes that it uses now, as the engine counts them. */
  memory(): Promise<string>;
}

export interface Containers {
  start(program: string, env: Readonly<Record<string, string>>): Promise<Container>;
  /** Runs a program to its end. */
  finish(program: string, env: Readonly<Record<string, string>>): Promise<{ code: number; output: string }>;
  /** Removes all of them. */
  close(): Promise<void>;
}

const memoryLimit = "512m";
const waitLimitMs = 30_000;

/**
 * Runs programs of the image as a strict cluster would: nothing writable, no capability, no way to more, 512 MiB. They
 * share the network of this machine, where the servers of the test are.
 */
export function createContainers(engine: Engine, image: string): Containers {
  const names: string[] = [];
  const strict = ["--network=host", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
  // podman would mount writable /tmp and /run; on a cluster there are none.
  if (engine.name === "podman") strict.push("--read-only-tmpfs=false");
  const limits = [`--memory=${memoryLimit}`, `--memory-swap=${memoryLimit}`];

  const create = async (program: string, env: Readonly<Record<string, string>>): Promise<string> => {
    const name = `wahub-image-test-${process.pid}-${names.length}-${program}`;
    names.push(name);
    const variables = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
    await engine.run(["run", "-d", "--name", name, ...strict, ...limits, ...variables, image, program]);
    return name;
  };
  const logs = async (name: string): Promise<string> => {
    const { stdout, stderr } = await engine.attempt(["logs", name]);
    return stdout + stderr;
  };
  const exitCode = async (name: string): Promise<number> => {
    const answer = (await engine.run(["wait", name], { timeoutMs: waitLimitMs })).trim();
    if (!/^\d+$/.test(answer)) throw new Error(`${name} does not end:\n${(await logs(name)).slice(-2000)}`);
    return Number(answer);
  };

  return {
    async start(program, env) {
      const name = await create(program, env);
      return {
        program,
        logs: () => logs(name),
        async terminate() {
          const from = performance.now();
          await engine.run(["kill", "--signal=TERM", name]);
          const code = await exitCode(name);
          return { code, tookMs: performance.now() - from };
        },
        async memory() {
          return (await engine.run(["stats", "--no-stream", "--format", "{{.MemUsage}}", name])).trim();
        },
      };
    },
    async finish(program, env) {
      const name = await create(program, env);
      const code = await exitCode(name);
      return { code, output: await logs(name) };
    },
    async close() {
      for (const name of names) await engine.attempt(["rm", "-f", name]);
    },
  };
}

/** Ports that nobody has just now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.once("listening", () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
