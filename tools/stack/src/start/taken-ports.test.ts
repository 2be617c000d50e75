import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { choosePorts } from "./ports.ts";
import { takenPorts, takenPortsText } from "./taken-ports.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function somebody(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function free(): Promise<number> {
  const port = await somebody();
  const server = servers.pop()!;
  server.close();
  await once(server, "close");
  return port;
}

test("every taken port is named with who wanted it and how to choose another, and no free one", async () => {
  const variables = choosePorts({}).ports.map((one) => one.variable);
  const chosen = Object.fromEntries(await Promise.all(variables.map(async (name) => [name, `${await free()}`])));
  const gateway = await somebody();
  const sender = await somebody();
  const env = { ...chosen, GATEWAY_HTTP_PORT: `${gateway}`, SENDER_ADMIN_PORT: `${sender}` };
  const { ports } = choosePorts(env);
  const taken = await takenPorts(ports, "127.0.0.1");
  expect(taken.map((one) => one.port)).toEqual([gateway, sender]);
  const text = takenPortsText(taken, ports.length);
  expect(text).toMatch(new RegExp(`port ${gateway} is taken +gateway, HTTP for web clients +set GATEWAY_HTTP_PORT\n`));
  expect(text).toMatch(new RegExp(`port ${sender} is taken +sender, admin port +set SENDER_ADMIN_PORT\n`));
  expect(text).not.toContain("Is another npm start running?");
});
