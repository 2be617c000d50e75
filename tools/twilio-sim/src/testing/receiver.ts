import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A callback as it arrived. */
export interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly form: Readonly<Record<string, string>>;
}

/** A webhook on this machine that remembers what it got. */
export interface Receiver {
  readonly origin: string;
  readonly received: readonly Received[];
  /** Resolves when `count` callbacks have arrived since the start. */
  arrivals(count: number): Promise<readonly Received[]>;
  close(): Promise<void>;
}

/** Starts a receiver that answers each request with the status that `answer` returns for it. */
export async function startReceiver(answer: (received: Received) => number = () => 204): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { readonly count: number; readonly resolve: (all: readonly Received[]) => void }[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      const one = { url: req.url ?? "", headers: req.headers, form };
      received.push(one);
      res.writeHead(answer(one)).end();
      for (const { count, resolve } of waiting) if (received.length >= count) resolve([...received]);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    arrivals: (count) =>
      new Promise((resolve) => {
        if (received.length >= count) resolve([...received]);
        else waiting.push({ count, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
