import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A stretch of network before PostgreSQL that tests can break. */
export interface DatabaseLine {
  /** Leads to the database through the line. */
  readonly databaseUrl: string;
  /** Ends all connections without a word and refuses new ones: PostgreSQL is gone. */
  cut(): void;
  /** Nothing gets through any more, on old connections and new ones, and nobody is told: a black hole. */
  swallow(): void;
  /** New connections get through again; PostgreSQL hears that the other end of what was swallowed is gone. */
  mend(): void;
  /** Connections that stand at the moment. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Lays a line to the database of the URL. */
export async function startDatabaseLine(databaseUrl: string): Promise<DatabaseLine> {
  const target = new URL(databaseUrl);
  const near = new Set<Socket>();
  const far = new Set<Socket>();
  let state: "up" | "cut" | "swallowing" = "up";
  const server = createServer((socket) => {
    keep(near, socket);
    if (state === "cut") return void socket.resetAndDestroy();
    if (state === "swallowing") return void socket.resume();
    const upstream = connect(Number(target.port || 5432), target.hostname);
    keep(far, upstream);
    socket.on("close", () => upstream.destroy());
    upstream.on("close", () => socket.destroy());
    socket.pipe(upstream);
    upstream.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = `${(server.address() as AddressInfo).port}`;
  return {
    databaseUrl: url.href,
    cut() {
      state = "cut";
      for (const socket of near) socket.resetAndDestroy();
    },
    swallow() {
      state = "swallowing";
      // PostgreSQL keeps its end, as it would if the network lost every packet.
      for (const socket of [...near, ...far]) socket.unpipe().removeAllListeners("close").resume();
      for (const sockets of [near, far]) for (const socket of sockets) keep(sockets, socket);
    },
    mend() {
      if (state === "swallowing") for (const socket of far) socket.resetAndDestroy();
      state = "up";
    },
    get connections() {
      return [...near].filter((socket) => !socket.destroyed).length;
    },
    async close() {
      for (const socket of [...near, ...far]) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on("error", () => {}).on("close", () => sockets.delete(socket));
}
