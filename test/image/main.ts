// `npm run image:test`: builds the image and runs it for real, as strictly as a cluster would. Needs podman or Docker;
// where neither answers it says so and is content.
//
//   npm run image:test                   with the engine and the registry of this machine
//   npm run image:test -- --offline      with podman in a store of its own, on a base image made by debootstrap (as root)
//   npm run image:test -- --strict       no engine is a failure
//
// It installs nothing, and removes what it made: containers, image, servers, folders.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDatabase } from "../../tools/stack/src/database.ts";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import { startTestServers } from "../../tools/stack/src/test-servers.ts";
import { baseImageName, makeBaseImage, trustArguments } from "./base-image.ts";
import { createContainers, type Containers } from "./containers.ts";
import { type Engine, findEngine, privatePodman } from "./engine.ts";
import { startHub } from "./hub.ts";
import { sendThroughRestart, sendToAll } from "./send.ts";

const image = "whatsapp-hub:image-test";
const stopLimitMs = 25_000;

const { values: flags } = parseArgs({
  options: { offline: { type: "boolean", default: false }, strict: { type: "boolean", default: false } },
});

const engine = flags.offline ? await privatePodman() : await findEngine();
if (engine === undefined) {
  console.log("SKIP  image: neither podman nor Docker answers here, so the image was neither built nor run.");
  process.exitCode = flags.strict ? 1 : 0;
} else {
  const closers: (() => Promise<unknown>)[] = [() => engine.close()];
  try {
    if (flags.offline) await step("base image", () => makeBaseImage(engine));
    await step("build", () => build(engine));
    closers.push(() => engine.attempt(["rmi", "-f", image]));
    const containers = createContainers(engine, image);
    closers.push(() => containers.close());
    const servers = await startTestServers();
    closers.push(() => servers.stop());
    await runHub(containers, { ...servers, databaseUrl: await createDatabase(servers.databaseUrl, "image_test") });
    console.log("The image does what it should.");
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}
process.exit();

async function build(on: Engine): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "wahub-image-build-"));
  try {
    const offline = flags.offline
      ? ["--pull=never", "--network=host", ...trustArguments(folder, (file, text) => writeFileSync(file, text))]
      : [];
    await on.run(["build", "-t", image, ...offline, PROJECT_ROOT], { timeoutMs: 900_000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [about] = JSON.parse(await on.run(["image", "inspect", image])) as [{ Size: number; Config: { User: string } }];
  return `${Math.round(about.Size / 1e6)} MB on ${baseImageName()}, user ${about.Config.User}`;
}

async function runHub(containers: Containers, servers: { databaseUrl: string; redisUrl: string }): Promise<void> {
  const wrong = await containers.finish("nonsense", {});
  if (wrong.code !== 64) throw new Error(`a program that does not exist ended with ${wrong.code}`);
  await step("migrate", async () => {
    const { code, output } = await containers.finish("migrate", { DATABASE_URL: servers.databaseUrl });
    if (code !== 0) throw new Error(`migrate ended with ${code}: ${output}`);
    return output.trim().replaceAll("\n", ", ");
  });
  const hub = await startHub(containers, servers);
  await step("probes", async () => (await hub.ready()).join("\n        "));
  await step("1,000 messages", () => sendToAll(hub, randomUUID()));
  await step("a sender told to stop in the middle", () => sendThroughRestart(hub, randomUUID(), stopLimitMs));
  await step("memory of 512 MiB", async () => {
    const used = await Promise.all([...hub.services].map(async ([name, one]) => `${name} ${await one.memory()}`));
    return used.join(", ");
  });
  await step("SIGTERM", async () => {
    const ends: string[] = [];
    for (const one of [...hub.services.values(), hub.sim]) {
      const { code, tookMs } = await one.terminate();
      if (code !== 0 || tookMs > stopLimitMs)
        throw new Error(
          `${one.program} ended with ${code} after ${Math.round(tookMs)} ms\n${(await one.logs()).slice(-2000)}`,
        );
      ends.push(`${one.program} ${Math.round(tookMs)} ms`);
    }
    return ends.join(", ");
  });
}

async function step(title: string, work: () => Promise<string | void>): Promise<void> {
  const from = performance.now();
  const note = await work();
  console.log(`ok    ${title} (${((performance.now() - from) / 1000).toFixed(1)} s)${note ? `: ${note}` : ""}`);
}
