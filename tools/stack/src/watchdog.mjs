// Ends the servers of a process that vanished. Started detached by watchdog.ts; standard input is a pipe only the
// parent holds, so its end means the parent is gone, whatever killed it.
// One JSON object per line: {"guard": pid, "signal": name|null, "graceMs": n} or {"remove": folder}.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;
const KILLED_MS = 5_000;

const guarded = [];
const folders = [];

// A terminal's Ctrl-C or a closing session is for the parent to answer.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  if (order.remove !== undefined) folders.push(order.remove);
  // The start time tells the process from a later one that was given the same id.
  if (order.guard !== undefined) guarded.push({ ...order, pid: order.guard, startTime: startTimeOf(order.guard) });
}
for (const one of guarded.toReversed()) await end(one);
for (const folder of folders.toReversed())
  await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});

async function end({ pid, startTime, signal, graceMs }) {
  const isGone = () => startTime === undefined || startTimeOf(pid) !== startTime;
  const send = (name) => {
    try {
      if (!isGone()) process.kill(pid, name);
    } catch {
      // It went away in between.
    }
  };
  if (signal !== null) send(signal);
  if (await within(graceMs, isGone)) return;
  send("SIGKILL");
  await within(KILLED_MS, isGone);
}

async function within(limitMs, condition) {
  for (const until = Date.now() + limitMs; Date.now() < until; await sleep(POLL_MS)) if (condition()) return true;
  return condition();
}

/** Undefined for a process that is gone; a zombie is gone. */
function startTimeOf(pid) {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "lstart=", "-p", `${pid}`], { encoding: "utf8" });
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
