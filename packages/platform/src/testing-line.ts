// A stretch of network that tests can break. Not exported from the package.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A port that passes everything on to another one, as long as the line holds. */
export interface Line {
  readonly port: number;
  /** Ends all connections without a word and refuses new ones, like a machine that has crashed. */
  cut(): void;
  /** From now on nothing gets through on open connections and new ones, and nobody is told: a black hole. */
  swallow(): void;
  /** New connections get through again; of those that were swallowed the other end knows nothing any more. */
  mend(): void;
  close(): Promise<void>;
}

export async function startLine(targetPort: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let state: "up" | "cut" | "swallowing" = "up";
  const server = createServer((near) => {
    sockets.add(near);
    near.on("error", () => {}).on("close", () => sockets.delete(near));
    if (state === "cut") return void near.resetAndDestroy();
    if (state === "swallowing") return void near.resume();
    const far = connect(targetPort, "127.0.0.1");
    sockets.add(far);
    far.on("error", () => {}).on("close", () => sockets.delete(far));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = "cut";
      for (const socket of sockets) socket.resetAndDestroy();
    },
    swallow() {
      state = "swallowing";
      for (const socket of sockets) socket.unpipe().removeAllListeners("close").resume();
    },
    mend() {
      if (state === "swallowing") for (const socket of sockets) socket.resetAndDestroy();
      state = "up";
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
