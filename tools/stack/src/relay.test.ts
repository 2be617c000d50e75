import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { startRelay, type Relay } from "./relay.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server that says its name and then everything it hears. */
async function startEcho(name: string): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  closers.push(stop);
  return { port, stop };
}

async function relayTo(...ports: readonly number[]): Promise<Relay> {
  const relay = await startRelay(() => ports);
  closers.push(() => relay.close());
  return relay;
}

/** A client that collects what it hears. */
function call(port: number) {
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  let error: string | undefined;
  socket.on("data", (data) => (heard += String(data)));
  socket.on("error", (cause: NodeJS.ErrnoException) => (error = cause.code));
  closers.push(async () => socket.destroy());
  return {
    socket,
    get heard() {
      return heard;
    },
    /** Resolves when it has heard exactly this. */
    async hears(text: string): Promise<void> {
      while (heard !== text) await once(socket, "data");
    },
    /** Resolves with the system's code, or "closed". */
    async ends(): Promise<string> {
      // Not `once`, which throws the error that is waited for.
      if (!socket.closed) await new Promise((resolve) => socket.on("close", resolve));
      return error ?? "closed";
    },
  };
}

describe("a relay", () => {
  test("passes everything on, both ways", async () => {
    const relay = await relayTo((await startEcho("a")).port);
    const client = call(relay.port);
    client.socket.write("hello");
    await client.hears("a:hello");
    expect(relay.connections).toBe(1);
  });

  test("shares connections among its targets, and passes over one that is gone", async () => {
    const [one, other] = [await startEcho("a"), await startEcho("b")];
    const relay = await relayTo(one.port, other.port);
    const clients = [call(relay.port), call(relay.port)];
    await Promise.all(clients.map(({ socket }) => once(socket, "data")));
    expect(new Set(clients.map(({ heard }) => heard))).toEqual(new Set(["a:", "b:"]));
    await one.stop();
    for (let n = 0; n < 3; n += 1) await call(relay.port).hears("b:");
    await other.stop();
    expect(await call(relay.port).ends()).toBe("ECONNRESET");
  });

  test("cuts what is open, and lets new connections through", async () => {
    const relay = await relayTo((await startEcho("a")).port);
    const client = call(relay.port);
    await client.hears("a:");
    relay.cut();
    expect(await client.ends()).toBe("ECONNRESET");
    await call(relay.port).hears("a:");
  });

  test("closed, refuses connections until it is restored", async () => {
    const relay = await relayTo((await startEcho("a")).port);
    await relay.close();
    expect(await call(relay.port).ends()).toBe("ECONNREFUSED");
    await relay.restore();
    await call(relay.port).hears("a:");
  });

  test("stalled, lets nothing through and loses nothing, on old connections and new ones", async () => {
    const relay = await relayTo((await startEcho("a")).port);
    const old = call(relay.port);
    await old.hears("a:");
    relay.stall();
    old.socket.write("hello");
    const young = call(relay.port);
    await once(young.socket, "connect");
    young.socket.write("hello");
    while (relay.connections < 2) await new Promise(setImmediate);
    expect([old.heard, young.heard]).toEqual(["a:", ""]);
    await relay.restore();
    await Promise.all([old.hears("a:hello"), young.hears("a:hello")]);
  });

  test("delivers what was sent before a stall even when the sender has hung up meanwhile", async () => {
    const heardByServer = new Promise<string>((resolve) => {
      const server = createServer((socket) => {
        let text = "";
        socket.on("data", (data) => (text += String(data))).on("end", () => resolve(text));
      });
      server.listen(0, "127.0.0.1", () => ports.push((server.address() as AddressInfo).port));
      closers.push(() => new Promise((closed) => server.close(closed)));
    });
    const ports: number[] = [];
    while (ports.length === 0) await new Promise(setImmediate);
    const relay = await relayTo(ports[0]!);
    const client = call(relay.port);
    await once(client.socket, "connect");
    relay.stall();
    client.socket.end("sent in time");
    await new Promise(setImmediate);
    await relay.restore();
    expect(await heardByServer).toBe("sent in time");
  });
});
