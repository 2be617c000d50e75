import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Redis } from "ioredis";

// What the integration tests of this package share.

/** Redis for tests. A database of its own for those who flush it: other tests share the server. */
export function testRedisUrl(database = 0): string {
  const url = new URL(process.env["TEST_REDIS_URL"] ?? "redis://127.0.0.1:6379");
  url.pathname = `/${database}`;
  return url.href;
}

export function newPrefix(): string {
  return `test-${randomUUID().slice(0, 8)}`;
}

/** A second connection, for looking at what the code under test did. */
export async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await use(redis);
  } finally {
    await redis.quit();
  }
}

export interface RedisProxy {
  readonly url: string;
  /** While down, connections are closed as soon as they come, and open ones are cut. */
  setUp(up: boolean): void;
  /** Nothing gets through any more on the connections that stand, and nobody is told; new ones are as they were. */
  swallow(): void;
  close(): Promise<void>;
}

/** A Redis that can go away and come back. */
export async function startRedisProxy(target: string): Promise<RedisProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isUp = false;
  const server = createServer((client) => {
    client.on("error", () => {});
    if (!isUp) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(port || 6379), hostname);
    upstream.on("error", () => {});
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");

  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }

  const own = new URL(target);
  own.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: own.href,
    setUp(up) {
      isUp = up;
      if (!up) cut();
    },
    swallow() {
      for (const socket of sockets) socket.unpipe().removeAllListeners("close").resume();
    },
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
