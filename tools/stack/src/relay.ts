import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A stretch of network on this machine that can be broken: a port that passes everything on to others. */
export interface Relay {
  readonly port: number;
  /** Connections that stand at the moment. */
  readonly connections: number;
  /** Resets every open connection, in the middle of whatever it carries; new ones get through. */
  cut(): void;
  /** Resets every open connection and refuses new ones, like a machine without that server, until `restore`. */
  close(): Promise<void>;
  /** From now on nothing moves and nobody is told; what is on its way arrives after `restore`, if anybody still waits. */
  stall(): void;
  /** Everything gets through again. */
  restore(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/**
 * Starts a relay. A connection goes to the first of `targets` (ports on 127.0.0.1) that takes it; where the search
 * begins goes round, so that several targets share the connections and one that is gone is passed over.
 */
export async function startRelay(targets: () => readonly number[]): Promise<Relay> {
  const pairs = new Set<Pair>();
  const waiting = new Set<Socket>();
  let stalled = false;
  let turn = 0;

  const join = (near: Socket, far: Socket): void => {
    const pair = { near, far };
    pairs.add(pair);
    const end = (other: Socket) => (hadError: boolean) => {
      pairs.delete(pair);
      if (hadError) other.resetAndDestroy();
      else other.destroySoon();
    };
    near.removeAllListeners("close").on("close", end(far));
    far.on("close", end(near));
    if (!stalled) connectBoth(pair);
  };

  const reach = (near: Socket, ports: readonly number[]): void => {
    const [port, ...others] = ports;
    if (port === undefined) return void near.resetAndDestroy();
    const far = connect(port, "127.0.0.1");
    far.setNoDelay(true);
    far.once("connect", () => {
      waiting.delete(near);
      far.removeAllListeners("error").on("error", () => {});
      if (near.destroyed) far.destroy();
      else join(near, far);
    });
    far.once("error", () => reach(near, others));
  };

  const server = createServer({ pauseOnConnect: true, noDelay: true }, (near) => {
    waiting.add(near);
    near.on("error", () => {}).on("close", () => waiting.delete(near));
    const ports = targets();
    turn = (turn + 1) % Math.max(1, ports.length);
    reach(near, [...ports.slice(turn), ...ports.slice(0, turn)]);
  });

  const cut = (): void => {
    for (const near of waiting) near.resetAndDestroy();
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  };

  const listen = async (port: number): Promise<void> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };

  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get connections() {
      return pairs.size;
    },
    cut,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
    stall() {
      stalled = true;
      for (const { near, far } of pairs) {
        near.unpipe();
        far.unpipe();
      }
    },
    async restore() {
      stalled = false;
      for (const pair of pairs) connectBoth(pair);
      if (!server.listening) await listen(port);
    },
  };
}

/** Piping twice would say everything twice. */
function connectBoth({ near, far }: Pair): void {
  near.unpipe();
  far.unpipe();
  near.pipe(far);
  far.pipe(near);
}
