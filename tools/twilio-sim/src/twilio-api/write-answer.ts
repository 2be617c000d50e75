import type { Response } from "express";
import { STANDING_HEADERS } from "./headers.ts";
import type { Answer } from "./answer.ts";

type Headers = Readonly<Record<string, string | number>>;

/** Sends an answer the way it is to end. One that hangs stays open for as long as the client waits. */
export function writeAnswer(res: Response, { status, body, ending = "whole" }: Answer, headers: Headers): void {
  if (ending === "hang") return;
  if (ending === "reset") {
    res.socket?.resetAndDestroy();
    return;
  }
  const { type, text } = spell(body);
  res.writeHead(status, {
    ...STANDING_HEADERS,
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(text),
    ...headers,
  });
  if (ending === "whole") {
    res.end(text);
    return;
  }
  const socket = res.socket;
  res.write(text.slice(0, Math.floor(text.length / 2)), () => {
    if (ending === "truncated") socket?.destroy();
    else socket?.resetAndDestroy();
  });
}

function spell(body: Answer["body"]): { type: string; text: string } {
  if (body === null) return { type: "text/plain", text: "" };
  return typeof body === "string"
    ? { type: "text/html", text: body }
    : { type: "application/json", text: JSON.stringify(body) };
}
