import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { startStack, type Stack } from "@wahub/stack";
import { type Answer, type Door, openDoors } from "./doors/index.ts";
import { inspectable, inspectorOf, type Memory, readMemory } from "./fuzz/memory.ts";
import type { Outcome } from "./fuzz/outcome.ts";
import { createRandom, type Random } from "./fuzz/random.ts";
import { openRawGrpc, type RawGrpc } from "./fuzz/raw-grpc.ts";
import { type RawTarget, sendRawHttp } from "./fuzz/raw-http.ts";
import { anyAuthorization, anyBytes, anyJson, anyOrder, anyRead, type Targets } from "./fuzz/requests.ts";
import { connectHub, fictionalPhones } from "./hub.ts";

// The same seed each time, so that a change is judged by the change. SEED=<number> takes another one,
// FUZZ_REQUESTS=<number> makes it longer: `npm run fuzz` sends 10,000 a door with a new seed, which it prints.
const seed = Number(process.env["SEED"] ?? (process.env["FUZZ_REQUESTS"] ? randomInt(2 ** 31) : 342_031_333));
const requestsPerDoor = Number(process.env["FUZZ_REQUESTS"] ?? 1000);
const concurrency = 8;
const watched = ["gateway", "dispatch", "status-query"] as const;
/** A first part of the requests lets the processes grow to their working size. */
const warmUpShare = 0.2;
/** What a process may have grown by at the end, in what it refers to and in all. */
const allowedGrowthMiB = { live: 8, resident: 48 };

jest.setTimeout(120_000 + requestsPerDoor * 200);

let stack: Stack;
let doors: readonly Door[];
let rawGrpc: readonly RawGrpc[];
let targets: Targets;
let pids: readonly number[];
const inspectors = new Map<string, string>();
const ended: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  process.stdout.write(`fuzz: SEED=${seed} FUZZ_REQUESTS=${requestsPerDoor}\n`);
  stack = await startStack({
    env: {
      gateway: { NODE_OPTIONS: inspectable },
      dispatch: { NODE_OPTIONS: inspectable, SENDER_MESSAGES_PER_SECOND: "1000" },
      "status-query": { NODE_OPTIONS: inspectable },
    },
    onLine: (service, line) => {
      const inspector = inspectorOf(line);
      if (inspector !== undefined) inspectors.set(service, inspector);
      else if (isComplaint(line)) complaints.push(`${service}: ${line}`);
    },
    onUnexpectedEnd: (reason) => ended.push(reason),
  });
  const hub = connectHub(stack);
  const { batchId, messageIds } = await hub.dispatch.bulkSend(
    {
      content: { kind: { case: "text", value: { body: "Hello" } } },
      recipients: fictionalPhones(3).map((phone) => ({ phone })),
    },
    hub.call,
  );
  const { nextPageToken: pageToken } = await hub.status.listMessages({ batchId, pageSize: 1 }, hub.call);
  hub.close();
  targets = { batchId, messageId: messageIds[0]!, pageToken };
  doors = openDoors(stack.urls);
  rawGrpc = [stack.urls.dispatchGrpc, stack.urls.statusQueryGrpc].map((target) => openRawGrpc(target, stack.apiKey));
  pids = watched.map((name) => stack.service(name).pid);
});
afterAll(async () => {
  for (const open of [...(doors ?? []), ...(rawGrpc ?? [])]) open.close();
  await stack?.stop();
});

describe("whatever is sent", () => {
  test("is answered or refused at every door, ends no process and leaves no memory behind", async () => {
    const warmUp = Math.ceil(requestsPerDoor * warmUpShare);
    const half = Math.ceil((requestsPerDoor + warmUp) / 2);
    const memory: Memory[][] = [];
    for (const [from, to] of [
      [0, warmUp],
      [warmUp, half],
      [half, requestsPerDoor],
    ] as const) {
      for (const door of doors) expect(await fuzz(door, from, to)).toEqual([]);
      memory.push(await Promise.all(watched.map((name) => memoryOf(name))));
      process.stdout.write(`fuzz: after ${to} a door: ${describeMemory(memory.at(-1)!)}\n`);
    }
    expect(ended).toEqual([]);
    expect(complaints.slice(0, 10)).toEqual([]);
    expect(watched.map((name) => stack.service(name).pid)).toEqual(pids);
    for (const [at, name] of watched.entries()) {
      const before = memory[0]![at]!;
      const after = memory.at(-1)![at]!;
      expect({ name, before, after, grown: hasGrown(before, after) }).toMatchObject({ name, grown: false });
    }
  });
});

/** Sends the requests with these numbers; returns the first few that ended badly. */
async function fuzz(door: Door, from: number, to: number): Promise<readonly string[]> {
  const bad: string[] = [];
  const tally = new Map<string, number>();
  const startedAt = performance.now();
  let next = from;
  const worker = async (): Promise<void> => {
    for (let number = next++; number < to; number = next++) {
      const random = createRandom(seed, `${door.name} ${number}`);
      const outcome = await sendOne(door, random).catch((error: unknown): Outcome => ({
        ended: "thrown",
        bad: String(error),
      }));
      tally.set(outcome.ended, (tally.get(outcome.ended) ?? 0) + 1);
      if (outcome.bad !== undefined && bad.push(`${door.name} ${number} (SEED=${seed}): ${outcome.bad}`) >= 10) return;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  const counts = [...tally].toSorted(([, a], [, b]) => b - a).map(([what, count]) => `${what} ${count}`);
  process.stdout.write(
    `fuzz: ${door.name} ${from} to ${to}: ${Math.round((to - from) / seconds)} a second: ${counts.join(", ")}\n`,
  );
  return bad;
}

async function sendOne(door: Door, random: Random): Promise<Outcome> {
  if (random.chance(0.2)) {
    return door.name === "gRPC" || door.name === "gRPC stream"
      ? random.pick(rawGrpc).send(random)
      : sendRawHttp(random, rawTarget(door));
  }
  for (;;) {
    const answer = await door.send(anyRequest(door, random), anyAuthorization(random, stack.apiKey));
    // Undefined: the door has no form for it, so nothing was sent.
    if (answer !== undefined) return judge(answer);
  }
}

function anyRequest(door: Door, random: Random): Parameters<Door["send"]>[0] {
  const share = random.below(10);
  if (door.name === "gRPC stream") return { order: anyOrder(random) };
  if (door.name === "REST") return share < 5 ? { order: anyOrder(random) } : anyJson(random);
  if (share < 5) return { order: anyOrder(random) };
  if (share < 7) return anyRead(random, targets);
  return door.name === "Connect JSON" ? anyJson(random) : anyBytes(random);
}

function judge(answer: Answer): Outcome {
  if (!("kind" in answer)) return { ended: "taken" };
  const { kind, code = "", httpStatus = 0, message } = answer;
  const lost = ["internal", "unavailable", "limited"].includes(kind) || httpStatus >= 500;
  return lost ? { ended: kind, bad: `${kind} ${code} ${httpStatus}: ${message}` } : { ended: kind };
}

function rawTarget({ name }: Door): RawTarget {
  const types: Partial<Record<Door["name"], string>> = {
    "Connect binary": "application/proto",
    "gRPC-Web": "application/grpc-web+proto",
  };
  return {
    url: new URL(stack.urls.gateway),
    key: stack.apiKey,
    path: name === "REST" ? "/bulk-send" : "/whatsapphub.v1.DispatchService/BulkSend",
    contentType: types[name] ?? "application/json",
  };
}

function memoryOf(name: (typeof watched)[number]): Promise<Memory> {
  return readMemory({ pid: stack.service(name).pid, inspector: inspectors.get(name)! });
}

function hasGrown(before: Memory, after: Memory): boolean {
  return (
    after.live - before.live > allowedGrowthMiB.live || after.resident - before.resident > allowedGrowthMiB.resident
  );
}

/** Errors of ours in the log, and what Node or a library prints past it. */
function isComplaint(line: string): boolean {
  if (line.startsWith("{")) return /^\{"level":"(?:error|fatal)"/.test(line);
  return line.trim() !== "" && !/^(?:Debugger |For help, see)/.test(line);
}

function describeMemory(memory: readonly Memory[]): string {
  return watched.map((name, at) => `${name} ${memory[at]!.live} MiB live, ${memory[at]!.resident} resident`).join("; ");
}
