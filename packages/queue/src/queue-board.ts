import type { RequestListener } from "node:http";
import { createRedisConnection } from "./connection.ts";
import { openForInspection } from "./inspection.ts";

export interface QueueBoard {
  /** The board's pages and data. It asks nobody for credentials: whoever mounts it does. */
  readonly handle: RequestListener;
  close(): void;
}

export interface QueueBoardOptions {
  readonly redisUrl: string;
  /** Of all keys; the producer's. */
  readonly prefix: string;
  /** Where the board is mounted, for example `/queues`; anything else is 404, and `/` leads there. */
  readonly path: string;
  /** Told of requests that were answered with 503 because Redis was away. */
  readonly onError?: (error: unknown) => void;
}

/**
 * bull-board, the operators' view of the queues. Read-only on purpose: a job is only the doorbell for a row in
 * PostgreSQL, which decides what is tried, when, and how often. A retried job would be refused by the claim, a removed
 * one would be offered again. Jobs hold ids, so nothing personal is shown. Connects with the first request.
 */
export function createQueueBoard(options: QueueBoardOptions): QueueBoard {
  const { redisUrl, prefix, path, onError = () => {} } = options;
  const redis = createRedisConnection(redisUrl, { name: "queue-board" });
  let opening: Promise<RequestListener> | undefined;

  async function open(): Promise<RequestListener> {
    const queues = await openForInspection(redis, prefix);
    const { createBullBoard, BullMQAdapter, ExpressAdapter, express } = await loadBullBoard();
    const adapter = new ExpressAdapter();
    adapter.setBasePath(path);
    createBullBoard({
      queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
      serverAdapter: adapter,
      options: { uiConfig: { boardTitle: "WhatsApp Hub queues", hideDocsLink: true } },
    });
    const app = express();
    app.disable("x-powered-by");
    app.use(path, adapter.getRouter() as RequestListener);
    app.get("/", (_req, res) => res.redirect(path));
    return app;
  }

  return {
    handle(req, res) {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      opening.then(
        (app) => app(req, res),
        (error: unknown) => {
          onError(error);
          res.writeHead(503, { "content-type": "text/plain" }).end("Redis is not available\n");
        },
      );
    },
    close: () => redis.disconnect(),
  };
}

/** Not before somebody looks: every service imports this package, and only dispatch may have a board. */
async function loadBullBoard() {
  const [api, adapter, server, { default: express }] = await Promise.all([
    import("@bull-board/api"),
    import("@bull-board/api/bullMQAdapter"),
    import("@bull-board/express"),
    import("express"),
  ]);
  return { ...api, ...adapter, ...server, express };
}
