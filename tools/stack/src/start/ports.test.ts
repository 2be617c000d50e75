import { describe, expect, test } from "@jest/globals";
import { choosePorts, portOf, portUses, withPortsOf } from "./ports.ts";

describe("the ports of npm start", () => {
  test("are the documented ones unless told otherwise", () => {
    const { ports, faults } = choosePorts({});
    expect(ports.map(({ variable, port }) => [variable, port])).toEqual([
      ["GATEWAY_HTTP_PORT", 8080],
      ["WEBHOOK_INGEST_HTTP_PORT", 8081],
      ["DISPATCH_GRPC_PORT", 50051],
      ["STATUS_QUERY_GRPC_PORT", 50052],
      ["SIM_HTTP_PORT", 8090],
      ["GATEWAY_ADMIN_PORT", 9101],
      ["DISPATCH_ADMIN_PORT", 9102],
      ["SENDER_ADMIN_PORT", 9103],
      ["WEBHOOK_INGEST_ADMIN_PORT", 9104],
      ["STATUS_QUERY_ADMIN_PORT", 9105],
    ]);
    expect(faults).toEqual([]);
  });

  test("can each be chosen; the queue board has one only where it is", () => {
    const { ports } = choosePorts({ GATEWAY_HTTP_PORT: "18080", QUEUE_BOARD_PORT: "9110", SENDER_ADMIN_PORT: "" });
    expect(portOf(ports, "gateway", "HTTP_PORT")).toBe(18_080);
    expect(portOf(ports, "dispatch", "QUEUE_BOARD_PORT")).toBe(9110);
    expect(portOf(ports, "sender", "ADMIN_PORT")).toBe(9103);
  });

  test("that cannot work are all reported", () => {
    const { faults } = choosePorts({ GATEWAY_HTTP_PORT: "0", SIM_HTTP_PORT: "web", DISPATCH_GRPC_PORT: "9105" });
    expect(faults).toEqual([
      'GATEWAY_HTTP_PORT is "0": must be a port from 1 to 65535',
      'SIM_HTTP_PORT is "web": must be a port from 1 to 65535',
      "DISPATCH_GRPC_PORT and STATUS_QUERY_ADMIN_PORT are both 9105",
    ]);
  });

  test("each have a variable of their own", () => {
    expect(new Set(portUses.map((use) => use.variable)).size).toBe(portUses.length);
  });
});

describe("a service by itself", () => {
  test("gets the ports that npm start would give it", () => {
    const env = { GATEWAY_HTTP_PORT: "18080", WEBHOOK_INGEST_HTTP_PORT: "18081", GATEWAY_ADMIN_PORT: "" };
    expect(withPortsOf("gateway", env)).toEqual({ ...env, HTTP_PORT: "18080" });
  });

  test("listens on what its own name for the port says, if that is set", () => {
    const env = { GATEWAY_HTTP_PORT: "18080", HTTP_PORT: "7000" };
    expect(withPortsOf("gateway", env)).toEqual(env);
  });
});
