import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { startReceiver } from "../testing/receiver.ts";
import { createPoster } from "./poster.ts";
import { parseTarget } from "./target.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function poster() {
  const created = createPoster();
  closers.push(() => created.close());
  return created;
}

async function rawServer(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe("a single POST", () => {
  test("ends with the status of the answer", async () => {
    const receiver = await startReceiver(() => 503);
    closers.push(() => receiver.close());
    expect(await poster().post(parseTarget(`${receiver.origin}/x?y=1`), "a=1", { "x-y": "z" }, 1_000)).toBe(503);
    expect(receiver.received[0]).toMatchObject({ url: "/x?y=1", form: { a: "1" }, headers: { "x-y": "z" } });
  });

  test("ends with connect_failed where nobody listens", async () => {
    const receiver = await startReceiver();
    await receiver.close();
    expect(await poster().post(parseTarget(receiver.origin), "", {}, 1_000)).toBe("connect_failed");
  });

  test("ends with timed_out when the answer takes too long", async () => {
    const url = await rawServer(() => {});
    expect(await poster().post(parseTarget(url), "", {}, 50)).toBe("timed_out");
  });

  test("ends with connection_lost when the receiver hangs up", async () => {
    const url = await rawServer((socket) => socket.once("data", () => socket.destroy()));
    expect(await poster().post(parseTarget(url), "", {}, 1_000)).toBe("connection_lost");
  });

  test("is broken off by close", async () => {
    const arrival = Promise.withResolvers<void>();
    const url = await rawServer((socket) => socket.once("data", () => arrival.resolve()));
    const one = poster();
    const result = one.post(parseTarget(url), "", {}, 10_000);
    await arrival.promise;
    await one.close();
    expect(await result).toBe("connection_lost");
  });
});
