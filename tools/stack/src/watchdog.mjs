// Ends the servers of a process that vanished. Started detached by watchdog.ts; standard input is a pipe only the
// parent holds, so its end means the parent is gone, whatever killed it.
// One JSON object per line: {"guard": pid, "signal": name|null, "graceMs": n}, {"forget": pid} once the parent has seen
// it end, {"remove": folder}.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;
const KILLED_MS = 5_000;

const guarded = new Map();
const folders = [];

// A terminal's Ctrl-C or a closing session is for the parent to answer.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  if (order.remove !== undefined) folders.push(order.remove);
  if (order.forget !== undefined) guarded.delete(order.forget);
  if (order.guard === undefined) continue;
  // The start time tells the process from a later one that was given the same id.
  guarded.set(order.guard, { ...order, pid: order.guard, startTime: startTimeOf(order.guard) });
}
for (const one of [...guarded.values()].toReversed()) await end(one);
for (const folder of folders.toReversed())
  await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});

async function end({ pid, startTime, signal, graceMs }) {
  // Without a start time it had ended before we first looked.
  const isGone = () => startTime === undefined || startTimeOf(pid) !== startTime;
  if (!isGone() && signal !== null) send(pid, signal);
  if (!(await within(graceMs, isGone))) {
    send(pid, "SIGKILL");
    await within(KILLED_MS, isGone);
  }
  // Its helpers, if it left any. As long as there are some, the id of the group is not given to anybody else.
  if (startTimeOf(pid) === undefined) send(-pid, "SIGKILL");
}

function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in between.
  }
}

async function within(limitMs, condition) {
  for (const until = Date.now() + limitMs; Date.now() < until; await sleep(POLL_MS)) if (condition()) return true;
  return condition();
}

/** Undefined for a process that is gone, or a zombie without threads that could still do something. */
function startTimeOf(pid) {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "lstart=", "-p", `${pid}`], { encoding: "utf8" });
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [threads, startTime] = [fields[16], fields[18]];
    return state === "Z" && Number(threads) <= 1 ? undefined : startTime;
  } catch {
    return undefined;
  }
}
