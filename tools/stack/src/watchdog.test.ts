import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { whenEnded } from "./process-end.ts";
import { startWatchdog } from "./watchdog.ts";

describe("the watchdog", () => {
  test("asks first and kills who does not listen, the last guarded first, then removes the folders", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wahub-watchdog-test-"));
    writeFileSync(join(folder, "file"), "");
    const watchdog = startWatchdog();
    watchdog.removeAtEnd(folder);
    const deaf = await sleeper(`
      process.on("SIGTERM", () => {});
      const server = require("node:net").createServer().listen(0, "127.0.0.1", () => say(server.address().port));`);
    const obedient = await sleeper(`
      process.on("SIGTERM", () => require("node:net").connect(${deaf.word}, "127.0.0.1")
        .on("connect", () => process.exit(1)).on("error", () => process.exit(42)));
      say("ready");`);
    watchdog.guard(obedient.child, { signal: "SIGTERM", graceMs: 60_000 });
    watchdog.guard(deaf.child, { signal: "SIGTERM", graceMs: 100 });
    await watchdog.close();
    await expect(deaf.ended).resolves.toEqual({ code: null, signal: "SIGKILL" });
    // Its last deed was to find out that the other one was gone.
    await expect(obedient.ended).resolves.toEqual({ code: 42, signal: null });
    expect(existsSync(folder)).toBe(false);
  });

  test("gives a process that notices by itself the time to end", async () => {
    const watchdog = startWatchdog();
    const one = await sleeper();
    watchdog.guard(one.child, { signal: null, graceMs: 60_000 });
    const closed = watchdog.close();
    one.child.kill("SIGINT");
    await closed;
    await expect(one.ended).resolves.toEqual({ code: null, signal: "SIGINT" });
  });

  test("ends the helpers of a process that died without them", async () => {
    const watchdog = startWatchdog();
    const one = await sleeper(`
      const helper = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: ["pipe", "inherit", "inherit"] });
      say(helper.pid);`);
    const helperEnded = once(one.child.stdout, "close");
    watchdog.guard(one.child, { signal: "SIGKILL", graceMs: 60_000 });
    await watchdog.close();
    await helperEnded;
  });

  test("has nothing to do with processes that ended before", async () => {
    const watchdog = startWatchdog();
    const one = await sleeper();
    watchdog.guard(one.child, { signal: "SIGTERM", graceMs: 60_000 });
    one.child.kill("SIGKILL");
    await one.ended;
    await watchdog.close();
  });
});

/** A process that stays until it is ended; `word` is what it said at the start. */
async function sleeper(script = `say("ready");`) {
  const say = `const say = (word) => process.stdout.write(String(word)); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ["-e", `${say} ${script}`], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const ended = whenEnded(child);
  const [word] = (await once(child.stdout, "data")) as [Buffer];
  return { child, word: word.toString(), ended };
}
