import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { onFreePort, PortInUseError } from "./port.ts";

describe("onFreePort", () => {
  test("tries another port when the first is taken", async () => {
    const taken = await listen(0);
    const ports = [portOf(taken), portOf(taken), 0];
    const server = await onFreePort(listen, () => ports.shift() ?? 0);
    expect(portOf(server)).not.toBe(portOf(taken));
    taken.close();
    server.close();
  });

  test("stays between 20000 and 30000, below the ports of outgoing connections", async () => {
    const tried: number[] = [];
    await onFreePort(async (port) => {
      tried.push(port);
      if (tried.length < 20) throw new PortInUseError("taken");
    });
    expect(tried.every((port) => port >= 20_000 && port < 30_000)).toBe(true);
  });

  test("gives up after twenty ports, and at once for any other reason", async () => {
    let tries = 0;
    const taken = onFreePort(() => Promise.reject(new PortInUseError(`taken ${++tries}`)));
    await expect(taken).rejects.toThrow("taken 20");
    await expect(onFreePort(() => Promise.reject(new Error(`broken ${++tries}`)))).rejects.toThrow("broken 21");
  });
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening").catch((error: unknown) => {
    throw new PortInUseError(String(error));
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
