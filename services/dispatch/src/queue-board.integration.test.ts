import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConfigError, createLogger, loadConfig, type HttpServer } from "@wahub/platform";
import { config } from "./config.ts";
import { createQueueBoardServer } from "./queue-board.ts";

const key = randomUUID();
const settings = {
  HOST: "127.0.0.1",
  DATABASE_URL: "postgres://127.0.0.1:1/nobody",
  REDIS_URL: process.env["TEST_REDIS_URL"]!,
  REDIS_PREFIX: `test-${key.slice(0, 8)}`,
};
const log = createLogger({ service: "dispatch", level: "silent" });
const createBoard = (env: Record<string, string>) =>
  createQueueBoardServer({ config: loadConfig(config, { ...settings, ...env }), log });
let board: HttpServer;
let url: string;

beforeAll(async () => {
  board = createBoard({ QUEUE_BOARD_PORT: "0", QUEUE_BOARD_KEY: key })!;
  await board.start();
  url = `http://127.0.0.1:${board.port}`;
});

afterAll(() => board.stop());

describe("dispatch's queue board", () => {
  test("is off unless it is given a port", () => {
    expect(createBoard({})).toBeUndefined();
    expect(createBoard({ QUEUE_BOARD_KEY: key })).toBeUndefined();
  });

  test("with a port needs a key, and one that cannot be guessed; with every other fault in one report", () => {
    const faultsOf = (env: Record<string, string>) => {
      try {
        return createBoard(env);
      } catch (error) {
        return error instanceof ConfigError ? error.message : error;
      }
    };
    const missing = faultsOf({ QUEUE_BOARD_PORT: "9110", GRPC_PORT: "high" });
    expect(missing).toMatch(
      /^GRPC_PORT is "high".*\nQUEUE_BOARD_KEY is not set; it is required when QUEUE_BOARD_PORT is/,
    );
    const short = faultsOf({ QUEUE_BOARD_PORT: "9110", QUEUE_BOARD_KEY: "admin" });
    expect(short).toBe("QUEUE_BOARD_KEY is wrong (its value is secret): must have at least 16 characters");
  });

  test.each(["/queues", "/queues/api/queues", "/queues/static/favicon.ico", "/", "/elsewhere"])(
    "answers 401 at %s without the key",
    async (path) => {
      expect((await fetch(url + path)).status).toBe(401);
    },
  );

  test("shows page and counts to whoever has the key", async () => {
    const authorization = `Basic ${Buffer.from(`ops:${key}`).toString("base64")}`;
    const page = await fetch(`${url}/queues`, { headers: { authorization } });
    expect({ status: page.status, type: page.headers.get("content-type") }).toEqual({
      status: 200,
      type: "text/html; charset=utf-8",
    });
    const data = await fetch(`${url}/queues/api/queues`, { headers: { authorization: `Bearer ${key}` } });
    expect(await data.json()).toMatchObject({ queues: [{ name: "whatsapp-bulk", counts: { waiting: 0 } }] });
  });
});
