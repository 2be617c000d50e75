import { Redis } from "ioredis";

export interface RedisConnectionOptions {
  /**
   * - `commands` (default): for calls that somebody waits for. Connects with the first one; where Redis is away, calls
   *   fail within seconds instead of waiting.
   * - `blocking`: for workers, whose commands wait for as long as it takes. Connects at once.
   */
  readonly role?: "commands" | "blocking";
  /** Shown in Redis's CLIENT LIST. */
  readonly name?: string;
  /** Told of each lost connection and each failed attempt to get it back. */
  readonly onError?: (error: Error) => void;
}

/** A call that has no answer by now fails: the connection may be half open. */
const commandTimeoutMs = 3_000;
const connectTimeoutMs = 3_000;

/**
 * A connection that owes an answer and brings nothing for this long is dead and gets replaced: the network may have
 * swallowed it without a word. Workers block for five seconds.
 */
const silenceMs = { commands: 4_000, blocking: 8_000 } as const;

const longestReconnectMs = 1_000;

/** ioredis keeps the process alive for this long when a connection is closed while Redis is away. */
const disconnectTimeoutMs = 500;

/** Connects to Redis and keeps reconnecting for as long as the caller does not close it. */
export function createRedisConnection(url: string, options: RedisConnectionOptions = {}): Redis {
  const { role = "commands", name, onError = () => {} } = options;
  const redis = new Redis(url, {
    family: 0, // IPv4 or IPv6, as the name resolves
    connectTimeout: connectTimeoutMs,
    socketTimeout: silenceMs[role],
    disconnectTimeout: disconnectTimeoutMs,
    retryStrategy: (attempts) => Math.min(50 * 2 ** Math.min(attempts, 10), longestReconnectMs),
    // After a failover the old primary may still answer for a while, and then refuses to write.
    reconnectOnError: (error) => (error.message.includes("READONLY") ? 2 : false),
    ...(name === undefined ? {} : { connectionName: name }),
    ...(role === "blocking"
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 1, commandTimeout: commandTimeoutMs, lazyConnect: true }),
  });
  // Without a listener ioredis writes to the console.
  redis.on("error", onError);
  return redis;
}
