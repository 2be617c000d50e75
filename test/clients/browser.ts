import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { startWatchdog } from "../../tools/stack/src/watchdog.ts";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];
const places = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

/** How to get one, for whoever is told that there is none. */
export const howToGetBrowser = "no Chromium or Chrome on the PATH; on Debian: apt-get install chromium";

/** The program of a Chromium or Chrome on this machine. */
export async function findBrowser(): Promise<string | undefined> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  for (const file of [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...places]) {
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

/**
 * Opens the page in a browser without a window, with a profile of its own and no way to any other machine. The returned
 * function closes it; when this process vanishes it is closed all the same. `ended` tells of a browser that did not stay.
 */
export async function openBrowser(
  program: string,
  url: string,
): Promise<{ ended: Promise<never>; close: () => Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), "wahub-browser-"));
  const watchdog = startWatchdog();
  watchdog.removeAtEnd(profile);
  const child = spawn(program, [...flags(profile), url], {
    stdio: ["ignore", "ignore", "pipe"],
    // A group of its own, so that its helpers end with it.
    detached: true,
  });
  watchdog.guard(child, { signal: "SIGTERM", graceMs: 5_000 });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2_000)));
  const ended = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the browser ended by itself (${code}): ${said}`)));
  });
  ended.catch(() => {});
  return { ended, close: () => watchdog.close() };
}

function flags(profile: string): string[] {
  return [
    "--headless=new",
    `--user-data-dir=${profile}`,
    // Its sandbox needs rights that a container or root does not give; it only sees our own page.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  ];
}
