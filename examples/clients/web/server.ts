// The web server of a page that calls the hub: it serves the page and passes its calls on, with the key.
//
//   HUB_KEY=... node server.ts     then open http://localhost:8088
import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { serveFile } from "./files.ts";

/** Answers the page and its modules from here, and `/whatsapphub.v1.*` from the hub. */
export function createWeb(hubUrl: string, hubKey: string): RequestListener {
  return (req, res) => {
    const { pathname } = new URL(req.url ?? "/", "http://here");
    const answer = pathname.startsWith("/whatsapphub.v1.")
      ? passOn(req, res, hubUrl, hubKey)
      : serveFile(pathname, res);
    answer.catch(() => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
  };
}

// Of a call's headers only what the hub reads passes: no cookies, and nobody else's key.
const passed = /^(accept|content|connect|grpc|x-grpc-web|x-request-id)/;

async function passOn(req: IncomingMessage, res: ServerResponse, hubUrl: string, hubKey: string): Promise<void> {
  // The place to ask who the user is and whether they may make this call. Here, only pages of this server may.
  if (req.headers["sec-fetch-site"] !== "same-origin") {
    res.writeHead(403).end();
    return;
  }
  const headers = Object.fromEntries(Object.entries(req.headers).filter(([name]) => passed.test(name)));
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  const call = request(new URL(req.url ?? "/", hubUrl), {
    method: req.method,
    headers: { ...headers, authorization: `Bearer ${hubKey}` },
    signal: gone.signal,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => call.on("response", resolve).on("error", reject));
  const [answer] = await Promise.all([answered, pipeline(req, call)]);
  const { connection: _, "keep-alive": __, "transfer-encoding": ___, ...kept } = answer.headers;
  res.writeHead(answer.statusCode ?? 502, kept);
  await pipeline(answer, res);
}

if (import.meta.main) {
  const { HUB_KEY = "", HUB_URL = "http://localhost:8080" } = process.env;
  createServer(createWeb(HUB_URL, HUB_KEY)).listen(8088, "127.0.0.1", () => console.log("http://localhost:8088"));
}
