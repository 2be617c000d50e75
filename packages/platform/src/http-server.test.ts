import { once } from "node:events";
import { Agent, get, type IncomingMessage, type RequestListener } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { createHttpServer, type HttpServer } from "./http-server.ts";
import { PortInUseError } from "./listen.ts";
import { capturedLog, thrown } from "./testing.ts";

async function started(app: RequestListener, overrides: { drainMs?: number; port?: number } = {}): Promise<HttpServer> {
  const server = createHttpServer({ host: "127.0.0.1", port: 0, app, log: capturedLog().log, ...overrides });
  await server.start();
  return server;
}

async function request(port: number, agent: Agent): Promise<IncomingMessage> {
  const [response] = (await once(get({ host: "127.0.0.1", port, agent }), "response")) as [IncomingMessage];
  return response;
}

/**
 * Calls again and again, with a pause in between, on one connection until an answer says that it will be closed.
 *
 * @throws what the client sees when a request is cut
 */
async function callUntilTold(port: number, pauseMs: number, onAnswer: () => void): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (;;) {
      const response = await request(port, agent);
      expect(await text(response)).toBe("ok");
      onAnswer();
      if (response.headers.connection === "close") return;
      if (pauseMs > 0) await sleep(pauseMs);
    }
  } finally {
    agent.destroy();
  }
}

async function untilRefused(port: number): Promise<void> {
  for (let code: unknown; code !== "ECONNREFUSED";) {
    const socket = connect(port, "127.0.0.1");
    code = await once(socket, "connect").then(
      () => undefined,
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    socket.destroy();
  }
}

describe("createHttpServer", () => {
  test("finishes a request in flight when it stops, and takes no new connection", async () => {
    const entered = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const server = await started((_, res) => {
      entered.resolve();
      void finish.promise.then(() => res.end("done"));
    });
    const { port } = server;
    const agent = new Agent({ keepAlive: true });
    const answer = request(port, agent);
    await entered.promise;
    const stopped = server.stop();
    await untilRefused(port);
    finish.resolve();
    const response = await answer;
    expect(response.headers.connection).toBe("close");
    expect(await text(response)).toBe("done");
    await stopped;
    agent.destroy();
  });

  test("cuts no request of clients that go on calling on the connections they have", async () => {
    for (let round = 0; round < 20; round += 1) {
      const server = await started((_, res) => void setImmediate(() => res.end("ok")));
      const answered = Promise.withResolvers<void>();
      let answers = 0;
      const onAnswer = (): void => {
        answers += 1;
        if (answers === 200) answered.resolve();
      };
      const clients = Promise.all(Array.from({ length: 25 }, (_, at) => callUntilTold(server.port, at % 5, onAnswer)));
      await answered.promise;
      await Promise.all([server.stop(), clients]);
    }
  });

  test("answers a request that came just before on a connection it has not taken yet", async () => {
    for (let round = 0; round < 20; round += 1) {
      const server = await started((_, res) => res.end("ok"));
      const answer = request(server.port, new Agent());
      // The system makes the connection; the server hears of it later.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      const stopped = server.stop();
      expect(await text(await answer)).toBe("ok");
      await stopped;
    }
  });

  test("closes idle connections soon when it stops", async () => {
    const server = await started((_, res) => res.end("ok"));
    const agent = new Agent({ keepAlive: true });
    await text(await request(server.port, agent));
    const begun = performance.now();
    await server.stop();
    expect(performance.now() - begun).toBeLessThan(2_000);
    agent.destroy();
  });

  test("closes a connection once its streamed answer is over, though it began before the stop", async () => {
    const finish = Promise.withResolvers<void>();
    const server = await started((_, res) => {
      res.write("first ");
      void finish.promise.then(() => res.end("last"));
    });
    const agent = new Agent({ keepAlive: true });
    const response = await request(server.port, agent);
    const stopped = server.stop();
    finish.resolve();
    expect(await text(response)).toBe("first last");
    await stopped;
    agent.destroy();
  });

  test("tells endless answers that it stops", async () => {
    const server: HttpServer = await started((_, res) => {
      res.write("tick");
      server.stopping.addEventListener("abort", () => res.end("over"));
    });
    const agent = new Agent();
    const response = await request(server.port, agent);
    const stopped = server.stop();
    expect(await text(response)).toBe("tickover");
    await stopped;
  });

  test("cuts at the drain deadline what does not end", async () => {
    const server = await started((_, res) => res.write("for ever"), { drainMs: 20 });
    const agent = new Agent();
    const response = await request(server.port, agent);
    await server.stop();
    expect(await thrown(text(response))).toMatchObject({ code: "ECONNRESET" });
  });

  test("names a port that is in use", async () => {
    const server = await started((_, res) => res.end());
    expect(await thrown(started((_, res) => res.end(), { port: server.port }))).toBeInstanceOf(PortInUseError);
    await server.stop();
  });
});
