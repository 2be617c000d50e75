import { createHttpServer, type HttpServer, type Logger } from "@wahub/platform";
import { createQueueBoard } from "@wahub/queue";
import type { DispatchConfig } from "./config.ts";
import { requireKey } from "./require-key.ts";

export const queueBoardPath = "/queues";

/** Whoever looks at the board, looks again: nothing here is worth a longer wait at the end. */
const drainMs = 1_000;

/** The operators' view of the queues on a port of its own, for holders of the key; undefined where it is off. */
export function createQueueBoardServer(deps: { config: DispatchConfig; log: Logger }): HttpServer | undefined {
  const { config, log } = deps;
  if (config.QUEUE_BOARD_PORT === undefined || config.QUEUE_BOARD_KEY === undefined) return undefined;
  const board = createQueueBoard({
    redisUrl: config.REDIS_URL,
    prefix: config.REDIS_PREFIX,
    path: queueBoardPath,
    onError: (err) => log.warn({ event: "queue_board_failed", err }),
  });
  const server = createHttpServer({
    name: "queue board",
    portVariable: "QUEUE_BOARD_PORT",
    host: config.HOST,
    port: config.QUEUE_BOARD_PORT,
    app: requireKey(config.QUEUE_BOARD_KEY, board.handle),
    drainMs,
    log,
  });
  return {
    name: server.name,
    stopping: server.stopping,
    get port() {
      return server.port;
    },
    start: () => server.start(),
    async stop() {
      await server.stop();
      board.close();
    },
  };
}
