import { describe, expect, test } from "@jest/globals";
import { allowedEnvironment } from "./allowed-environment.mjs";

describe("allowedEnvironment", () => {
  test("passes what every program needs", () => {
    const basic = { PATH: "/bin", HOME: "/home/a", LANG: "C", LC_ALL: "C", LC_TIME: "C", TZ: "UTC", TMPDIR: "/t" };
    expect(allowedEnvironment(basic)).toEqual(basic);
  });

  test.each([
    "TWILIO_AUTH_TOKEN",
    "DATABASE_URL",
    "REDIS_URL",
    "PGHOST",
    "OTEL_TRACES_EXPORTER",
    "NODE_OPTIONS",
    "NODE_USE_ENV_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "LCX",
  ])("keeps %s outside", (name) => {
    expect(allowedEnvironment({ [name]: "x" })).toEqual({});
  });

  test("passes what is asked for by name, and sets values on top", () => {
    const environment = allowedEnvironment(
      { PATH: "/bin", TERM: "xterm" },
      { also: ["TERM", "CI"], set: { PATH: "/b", A: "1" } },
    );
    expect(environment).toEqual({ PATH: "/b", TERM: "xterm", A: "1" });
  });
});
