import { describe, expect, test } from "@jest/globals";
import { commonConfig } from "./common-config.ts";
import { type Config, ConfigError, type ConfigSchema, describeConfig, loadConfig } from "./config.ts";
import {
  boolean,
  durationMs,
  durationSeconds,
  integer,
  list,
  nonEmpty,
  oneOf,
  port,
  secretText,
  string,
  url,
} from "./config-parsers.ts";

const schema = {
  ...commonConfig({ adminPort: 9102 }),
  DATABASE_URL: {
    parse: url({ protocols: ["postgres:", "postgresql:"] }),
    secret: true,
    doc: "Where PostgreSQL is.",
  },
  GRPC_PORT: { parse: port, default: 50_051, doc: "Port for gRPC." },
  TWILIO_AUTH_TOKEN: { parse: list(nonEmpty), secret: true, optional: true, doc: "Tokens, the first one sends." },
  SEND_RETRY_DELAYS_S: { parse: list(durationSeconds), default: [60, 120, 300], doc: "Delays between tries." },
} satisfies ConfigSchema;

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe("loadConfig", () => {
  test("gives each variable its type, its value or its default", () => {
    const config: Config<typeof schema> = loadConfig(schema, {
      DATABASE_URL: "postgres://u:p@db/hub",
      ADMIN_PORT: "0",
      TWILIO_AUTH_TOKEN: "new, old",
    });
    const typed: { port: number; tokens: readonly string[] | undefined; delays: readonly number[] } = {
      port: config.GRPC_PORT,
      tokens: config.TWILIO_AUTH_TOKEN,
      delays: config.SEND_RETRY_DELAYS_S,
    };
    expect(typed).toEqual({ port: 50_051, tokens: ["new", "old"], delays: [60, 120, 300] });
    expect(config).toMatchObject({ HOST: "0.0.0.0", ADMIN_PORT: 0, LOG_LEVEL: "info", SHUTDOWN_TIMEOUT_MS: 25_000 });
  });

  test("takes an empty variable for an unset one", () => {
    const config = loadConfig(schema, { DATABASE_URL: "postgres://db/hub", GRPC_PORT: "", TWILIO_AUTH_TOKEN: "" });
    expect(config.GRPC_PORT).toBe(50_051);
    expect(config.TWILIO_AUTH_TOKEN).toBeUndefined();
  });

  test("reports every fault at once, each with what would be right", () => {
    expect(faultsOf({ GRPC_PORT: "70000", LOG_LEVEL: "loud", SEND_RETRY_DELAYS_S: "60,soon" })).toEqual([
      'LOG_LEVEL is "loud": must be one of trace, debug, info, warn, error, fatal, silent',
      "DATABASE_URL is not set; it is required: Where PostgreSQL is.",
      'GRPC_PORT is "70000": must be a whole number from 0 to 65535',
      'SEND_RETRY_DELAYS_S is "60,soon": item 2 of the list must be a whole number from 0 to 31536000',
    ]);
  });

  test("has one line per fault in its message", () => {
    expect(() => loadConfig(schema, { GRPC_PORT: "x" })).toThrow(/^DATABASE_URL .*\nGRPC_PORT .*$/);
  });

  test("asks for what another variable needs, once that one is set", () => {
    const board = {
      BOARD_PORT: { parse: port, optional: true, doc: "Port of the board." },
      BOARD_KEY: {
        parse: secretText({ minLength: 16 }),
        optional: true,
        requiredWith: "BOARD_PORT",
        secret: true,
        doc: "Its key.",
      },
    } satisfies ConfigSchema;
    expect(loadConfig(board, {})).toEqual({ BOARD_PORT: undefined, BOARD_KEY: undefined });
    expect(loadConfig(board, { BOARD_PORT: "1", BOARD_KEY: "k".repeat(16) })).toEqual({
      BOARD_PORT: 1,
      BOARD_KEY: "k".repeat(16),
    });
    expect(() => loadConfig(board, { BOARD_PORT: "x" })).toThrow(
      'BOARD_PORT is "x": must be a whole number from 0 to 65535\nBOARD_KEY is not set; it is required when BOARD_PORT is: Its key.',
    );
    expect(() => loadConfig(board, { BOARD_KEY: "short" })).toThrow("must have at least 16 characters");
  });

  test("never shows the value of a secret, not even when its parser repeats it", () => {
    const leaky = {
      KEY: {
        parse: (text: string): string => {
          throw new Error(`cannot use ${text}`);
        },
        secret: true,
        doc: "A key.",
      },
    } satisfies ConfigSchema;
    expect(() => loadConfig(leaky, { KEY: "hunter2" })).toThrow("KEY is wrong (its value is secret): A key.");
    expect(faultsOf({ DATABASE_URL: "mysql://root:hunter2@db" })).toEqual([
      "DATABASE_URL is wrong (its value is secret): must be a URL postgres://... or postgresql://...",
    ]);
  });
});

describe("describeConfig", () => {
  test("has a row per variable, without the default of a secret", () => {
    const rows = describeConfig({ ...schema, KEY: { parse: string, default: "dev", secret: true, doc: "A key." } });
    expect(rows.find((row) => row.name === "KEY")).toEqual({
      name: "KEY",
      default: "",
      required: false,
      secret: true,
      doc: "A key.",
    });
    expect(rows.find((row) => row.name === "SEND_RETRY_DELAYS_S")?.default).toBe("60,120,300");
    expect(rows.filter((row) => row.required).map((row) => row.name)).toEqual(["DATABASE_URL"]);
  });
});

describe("the parsers", () => {
  test.each<[string, (text: string) => unknown, string, unknown]>([
    ["integer trims", integer(), " 42 ", 42],
    ["integer takes negative numbers", integer(), "-1", -1],
    ["port takes 0", port, "0", 0],
    ["boolean takes true", boolean, "TRUE", true],
    ["boolean takes 0", boolean, "0", false],
    ["url keeps the text as it is", url({ protocols: ["https:"] }), "https://hub.example/a/", "https://hub.example/a/"],
    ["list takes another separator", list(string, ";"), "a;b,c", ["a", "b,c"]],
    ["oneOf gives the word", oneOf("a", "b"), "b", "b"],
  ])("%s", (_, parse, text, value) => {
    expect(parse(text)).toEqual(value);
  });

  test.each<[string, (text: string) => unknown, string, string]>([
    ["integer refuses fractions", integer(), "1.5", "must be a whole number"],
    ["integer refuses other notations", integer(), "0x10", "must be a whole number"],
    ["integer names a lower bound", integer({ min: 1 }), "0", "must be a whole number of at least 1"],
    ["integer names an upper bound", integer({ max: 5 }), "6", "must be a whole number of at most 5"],
    ["port refuses what is no port", port, "65536", "must be a whole number from 0 to 65535"],
    ["durationMs refuses what no timer can wait", durationMs, "2147483648", "from 0 to 2147483647"],
    ["boolean refuses other words", boolean, "maybe", "must be true or false"],
    ["nonEmpty refuses white space", nonEmpty, "  ", "must not be blank"],
    ["url refuses other protocols", url({ protocols: ["https:"] }), "ftp://x", "must be a URL https://..."],
    ["url refuses a bare host", url({ protocols: ["https:"] }), "hub.example", "must be a URL https://..."],
    ["list refuses a blank item", list(string), "a,,b", "item 2 of the list is blank"],
  ])("%s", (_, parse, text, reason) => {
    expect(() => parse(text)).toThrow(reason);
  });
});
