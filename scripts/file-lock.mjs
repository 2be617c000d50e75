// A lock between processes that share a folder, as a file that names its holder. Built-ins only, valid on Node 20.
import { randomUUID } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HEARTBEAT_MS = 5_000;
/** A holder that cannot be looked up from here (another machine or container) counts as gone after this silence. */
const SILENCE_MS = 60_000;

/**
 * Runs `work` while holding the lock `file`, and returns what it returns. Waits for another holder; the lock of one
 * that died is taken over. `onWait` is called once, if there is somebody to wait for.
 */
export async function withFileLock(file, work, { onWait = () => {}, pollMs = 200 } = {}) {
  mkdirSync(dirname(file), { recursive: true });
  const mine = JSON.stringify({ ...here(), id: randomUUID() });
  for (let told = false; !take(file, mine);) {
    if (removeIfStale(file)) continue;
    if (!told) onWait();
    told = true;
    await sleep(pollMs);
  }
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if (read(file) === mine) rmSync(file, { force: true });
  }
}

/** A link appears with its content in one step: nobody ever sees a lock without a holder. */
function take(file, content) {
  const own = `${file}.${randomUUID()}`;
  writeFileSync(own, content);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Moving aside before looking again keeps two waiters from both removing: the slower one might hit a new lock. */
function removeIfStale(file) {
  const seen = read(file);
  if (seen === undefined) return true;
  if (!isStale(file, seen)) return false;
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return true;
  }
  if (read(aside) !== seen) take(file, read(aside));
  rmSync(aside, { force: true });
  return true;
}

function isStale(file, content) {
  const holder = parse(content);
  const me = here();
  if (holder !== undefined && holder.host === me.host) return startTimeOf(holder.pid) !== holder.startTime;
  try {
    return Date.now() - statSync(file).mtimeMs > SILENCE_MS;
  } catch {
    return true;
  }
}

function here() {
  // Process ids mean something only within one pid namespace; containers may share a host name.
  const namespace = attempt(() => readlinkSync("/proc/self/ns/pid")) ?? "";
  return { pid: process.pid, startTime: startTimeOf(process.pid), host: hostname() + namespace };
}

/** Tells a process from a later one with the same id, where /proc can. Undefined for a process that is gone. */
function startTimeOf(pid) {
  if (process.platform !== "linux") return isAlive(pid) ? "alive" : undefined;
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return state === "Z" ? undefined : fields[18];
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

function touch(file) {
  attempt(() => utimesSync(file, new Date(), new Date()));
}

function parse(content) {
  return attempt(() => JSON.parse(content));
}

function read(file) {
  return attempt(() => readFileSync(file, "utf8"));
}

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
