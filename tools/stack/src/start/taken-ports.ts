import { once } from "node:events";
import { createServer } from "node:net";
import type { ChosenPort } from "./ports.ts";

export interface TakenPort extends ChosenPort {
  readonly why: string;
}

/** Those that cannot be listened on now. Between this look and the start somebody may still be faster. */
export async function takenPorts(ports: readonly ChosenPort[], host: string): Promise<TakenPort[]> {
  const looked = await Promise.all(ports.map(async (one) => ({ ...one, why: await reasonAgainst(one.port, host) })));
  return looked.filter((one): one is TakenPort => one.why !== undefined);
}

async function reasonAgainst(port: number, host: string): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host });
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return "is taken";
    return code === "EACCES" ? "needs more rights than you have" : `cannot be had (${code})`;
  }
}

/** What to tell whoever ran the command: every taken port, who wanted it, and how to choose another. */
export function takenPortsText(taken: readonly TakenPort[], wanted: number): string {
  const owner = (one: TakenPort) => `${one.service === "sim" ? "simulator" : one.service}, ${one.what}`;
  const width = Math.max(...taken.map((one) => owner(one).length));
  const example = taken[0]!;
  return [
    "Nothing was started:",
    ...taken.map(
      (one) => `  port ${`${one.port} ${one.why}`.padEnd(16)}  ${owner(one).padEnd(width)}  set ${one.variable}`,
    ),
    ...(taken.length === wanted ? ["Is another npm start running?"] : []),
    "Stop what uses them, or choose others: in .env, or for one start, as in",
    `  ${example.variable}=${example.port < 55_000 ? example.port + 10_000 : example.port - 10_000} npm start`,
  ].join("\n");
}
