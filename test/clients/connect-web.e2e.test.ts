import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startStack, type Stack } from "@wahub/stack";
import { importMap } from "../../examples/clients/web/files.ts";
import { createWeb } from "../../examples/clients/web/server.ts";
import { findBrowser, howToGetBrowser, openBrowser } from "./browser.ts";

interface Results {
  readonly lines: Readonly<Record<string, readonly string[]>>;
  readonly elsewhere?: string;
  readonly error?: string;
}

const program = await findBrowser();
let stack: Stack;
let server: Server;
const results = Promise.withResolvers<Results>();

if (program === undefined) console.warn(`Not tried: connect-web in a browser. There is ${howToGetBrowser}.`);

beforeAll(async () => {
  if (program === undefined) return;
  stack = await startStack();
  server = createServer(withTest(createWeb(stack.urls.gateway, stack.apiKey))).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await stack?.stop();
});

/** The example's server, with a page that runs its script and reports. */
function withTest(web: ReturnType<typeof createWeb>) {
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = req.url?.split("?")[0];
    if (path === "/test") {
      res.writeHead(200, { "content-type": "text/html" });
      res.end(
        `<script type="importmap">${await importMap()}</script><script type="module" src="/in-browser.js"></script>`,
      );
    } else if (path === "/in-browser.js") {
      res.writeHead(200, { "content-type": "text/javascript" });
      res.end(await readFile(new URL("in-browser.js", import.meta.url)));
    } else if (path === "/results") {
      results.resolve(JSON.parse(await text(req)) as Results);
      res.end();
    } else {
      web(req, res);
    }
  };
  return (req: IncomingMessage, res: ServerResponse): void => void answer(req, res).catch(results.reject);
}

describe("connect-web in a browser", () => {
  (program === undefined ? test.skip : test)(
    "a page calls the hub through its own server, with Connect and gRPC-Web, and not from another origin",
    async () => {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const browser = await openBrowser(program!, `${origin}/test?hub=${encodeURIComponent(stack.urls.gateway)}`);
      try {
        const { lines, elsewhere, error } = await Promise.race([results.promise, browser.ended]);
        expect(error).toBeUndefined();
        expect(Object.keys(lines)).toEqual(["connect", "grpc-web"]);
        for (const told of Object.values(lines)) {
          expect(told[0]).toMatch(/^batch [0-9a-f-]{36}: 2 accepted$/);
          expect(told.slice(1, 3)).toEqual([
            "rejected: recipient 2, phone number must start with + and the country code",
            "the same call again, the same batch: true",
          ]);
          expect(told.filter((line) => line.startsWith("now: ")).length).toBeGreaterThan(0);
          expect(told.slice(-3)).toEqual([
            "settled: true, BATCH_STATE_COMPLETED",
            "listed: +12125550123 +12125550124",
            "refused: ERROR_KIND_INVALID, batch_id: must be a valid UUID",
          ]);
        }
        expect(elsewhere).toBe("TypeError");
      } finally {
        await browser.close();
      }
    },
  );
});
