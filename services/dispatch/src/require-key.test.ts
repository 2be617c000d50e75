import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { requireKey } from "./require-key.ts";

const key = "long:enough-këy-1234";
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(requireKey(key, (_, res) => res.end("inside"))).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/queues`;
});

afterAll(() => void server.close());

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
/** As curl sends what is beyond ASCII: its UTF-8 bytes. */
const utf8 = (text: string) => Buffer.from(text).toString("latin1");

async function ask(authorization: string | undefined, method = "GET") {
  return fetch(url, { method, headers: authorization === undefined ? {} : { authorization } });
}

describe("requireKey", () => {
  test.each([
    ["as the password of any user", basic(`ops:${key}`)],
    ["as the password of no user", basic(`:${key}`)],
    ["as a bearer token", `Bearer ${utf8(key)}`],
    ["with the scheme in lower case", `bearer ${utf8(key)}`],
  ])("lets those in who give the key %s", async (_, authorization) => {
    const answer = await ask(authorization);
    expect({ status: answer.status, text: await answer.text() }).toEqual({ status: 200, text: "inside" });
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'self'");
  });

  test.each([
    ["nothing", undefined],
    ["another key", `Bearer ${key.slice(0, -1).replace("ë", "e")}5`],
    ["the beginning of the key", "Bearer long"],
    ["an empty key", "Bearer "],
    ["another password", basic("ops:wrong")],
    ["the key as the user name", basic(`${key.replace(":", "")}:`)],
    ["no colon", basic("longenough")],
    ["no base64", "Basic !!!"],
    ["another scheme", `Digest ${utf8(key)}`],
  ])("refuses who gives %s", async (_, authorization) => {
    const answer = await ask(authorization);
    expect({ status: answer.status, text: await answer.text() }).toEqual({
      status: 401,
      text: "the key of the queue board is needed\n",
    });
    expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
  });

  test("only shows: any other method is 405, without the key 401", async () => {
    expect((await ask(basic(`ops:${key}`), "PUT")).status).toBe(405);
    expect((await ask(undefined, "PUT")).status).toBe(401);
  });
});
