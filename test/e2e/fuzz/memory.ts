import { once } from "node:events";
import { readFile } from "node:fs/promises";

/** What a process holds on to, in MiB, right after its garbage was collected. */
export interface Memory {
  /** What the program itself still refers to. */
  readonly live: number;
  /** What the kernel has given it. */
  readonly resident: number;
}

const mebibyte = 1024 * 1024;

/** For NODE_OPTIONS of a process whose garbage is to be collected from outside; it then says where it listens. */
export const inspectable = "--inspect=127.0.0.1:0";

/** The inspector's address, if the line tells it. */
export function inspectorOf(line: string): string | undefined {
  return /^Debugger listening on (ws:\S+)/.exec(line)?.[1];
}

/**
 * Collects the garbage of the process and reads what is left. Otherwise a heap that was not tidied for a while would look
 * like one that grows.
 */
export async function readMemory(process: { readonly pid: number; readonly inspector: string }): Promise<Memory> {
  const socket = new WebSocket(process.inspector);
  await once(socket, "open");
  const ask = async (method: string, params: object = {}): Promise<unknown> => {
    socket.send(JSON.stringify({ id: 1, method, params }));
    const [event] = (await once(socket, "message")) as [{ data: string }];
    return JSON.parse(event.data);
  };
  await ask("HeapProfiler.collectGarbage");
  const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
  const answer = (await ask("Runtime.evaluate", { expression })) as { result: { result: { value: number } } };
  socket.close();
  const status = await readFile(`/proc/${process.pid}/status`, "utf8");
  return {
    live: Math.round(answer.result.result.value / mebibyte),
    resident: Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024),
  };
}
