import { beforeAll, describe, expect, test } from "@jest/globals";
import { ConfigError } from "@wahub/platform";
import { loadServiceSchemas, type ServiceSchemas } from "./service-schemas.ts";
import { isRead, readSettings, serviceEnvironment, simulatorEnvironment } from "./settings.ts";
import { simulatedAccount } from "./twilio-choice.ts";

const twilio = {
  TWILIO_ACCOUNT_SID: `AC${"a".repeat(32)}`,
  TWILIO_AUTH_TOKEN: "real-token",
  TWILIO_WHATSAPP_FROM: "whatsapp:+15005550006",
  PUBLIC_WEBHOOK_URL: "https://hub.example.com",
};
const servers = { databaseUrl: "postgres://db/own", redisUrl: "redis://own", apiKey: "generated" };
let schemas: ServiceSchemas;

beforeAll(async () => {
  schemas = await loadServiceSchemas();
});

const read = (env: Record<string, string>, realTwilio = false) => readSettings(env, { realTwilio }, schemas);

function faultsOf(env: Record<string, string>, realTwilio = false): readonly string[] {
  try {
    read(env, realTwilio);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe("npm start", () => {
  test("uses the simulator, whatever the environment says about Twilio", () => {
    const settings = read({ ...twilio, TWILIO_API_BASE_URL: "https://api.twilio.com", GATEWAY_ADMIN_PORT: "19101" });
    expect(settings.twilio).toEqual({ kind: "simulated", account: simulatedAccount });
    expect(serviceEnvironment(settings, servers, "sender", schemas)).toMatchObject({
      TWILIO_ACCOUNT_SID: simulatedAccount.accountSid,
      TWILIO_AUTH_TOKEN: simulatedAccount.authToken,
      TWILIO_API_BASE_URL: "http://127.0.0.1:8090",
      PUBLIC_WEBHOOK_URL: "http://127.0.0.1:8081",
    });
    expect(JSON.stringify(simulatorEnvironment(settings))).not.toContain("real-token");
  });

  test("uses real Twilio when it is asked to and has everything it takes, without a simulator", () => {
    const settings = read(twilio, true);
    expect(settings.ports.map(({ service }) => service)).not.toContain("sim");
    const sender = serviceEnvironment(settings, servers, "sender", schemas);
    expect(sender).toMatchObject({ TWILIO_AUTH_TOKEN: "real-token", PUBLIC_WEBHOOK_URL: "https://hub.example.com" });
    expect(sender["TWILIO_API_BASE_URL"]).toBeUndefined();
  });

  test("says what --real-twilio lacks", () => {
    const { TWILIO_AUTH_TOKEN, PUBLIC_WEBHOOK_URL, ...some } = twilio;
    expect(faultsOf({ ...some, PUBLIC_WEBHOOK_URL: "" }, true)).toEqual([
      "--real-twilio needs TWILIO_AUTH_TOKEN, PUBLIC_WEBHOOK_URL in .env or the environment",
    ]);
    expect(faultsOf({ ...some, TWILIO_AUTH_TOKEN, PUBLIC_WEBHOOK_URL }, true)).toEqual([]);
  });

  test.each([
    ["a callback URL on this machine", { PUBLIC_WEBHOOK_URL: "http://localhost:8081" }, /^PUBLIC_WEBHOOK_URL leads to/],
    ["another API", { TWILIO_API_BASE_URL: "http://127.0.0.1:8090" }, /^TWILIO_API_BASE_URL does not lead to Twilio/],
    ["a host that only looks like it", { TWILIO_API_BASE_URL: "https://twilio.com.example.org" }, /does not lead to/],
  ])("refuses %s for real Twilio", (_, change, fault) => {
    expect(faultsOf({ ...twilio, ...change }, true)).toEqual([expect.stringMatching(fault)]);
  });

  test("reports everything that is wrong at once: ports, and what any service would refuse", () => {
    expect(
      faultsOf({ GATEWAY_HTTP_PORT: "x", LOG_LEVEL: "loud", SENDER_CONCURRENCY: "0", DATABASE_URL: "mysql://" }),
    ).toEqual([
      expect.stringMatching(/^GATEWAY_HTTP_PORT is "x"/),
      expect.stringMatching(/^LOG_LEVEL is "loud"/),
      expect.stringMatching(/^DATABASE_URL is wrong/),
      expect.stringMatching(/^SENDER_CONCURRENCY is "0"/),
    ]);
  });

  test("gives each service what it reads and nothing else, on 127.0.0.1 only", () => {
    const env = { HOST: "0.0.0.0", HTTP_PORT: "1", RECIPIENT_LIMIT_MAX: "7", LOG_LEVEL: "debug", PGPASSWORD: "x" };
    const settings = read(env);
    expect(serviceEnvironment(settings, servers, "gateway", schemas)).toEqual({
      HOST: "127.0.0.1",
      HTTP_PORT: "8080",
      ADMIN_PORT: "9101",
      LOG_LEVEL: "debug",
      DISPATCH_URL: "dns:///127.0.0.1:50051",
      STATUS_QUERY_URL: "dns:///127.0.0.1:50052",
    });
    expect(serviceEnvironment(settings, servers, "sender", schemas)).toMatchObject({ RECIPIENT_LIMIT_MAX: "7" });
  });

  test("uses servers and a key of the user's where they are set", () => {
    const settings = read({ DATABASE_URL: "postgres://db/mine", REDIS_URL: "redis://mine", BOOTSTRAP_API_KEY: "mine" });
    expect(settings).toMatchObject({ databaseUrl: "postgres://db/mine", redisUrl: "redis://mine", apiKey: "mine" });
    expect(read({ DATABASE_URL: "" }).databaseUrl).toBeUndefined();
  });

  test("passes the simulator's knobs on, and keeps its account", () => {
    const settings = read({ SIM_RATE429: "0.1", SIM_ACCOUNT_SID: "AC1", SIM_HTTP_PORT: "18090" });
    expect(simulatorEnvironment(settings)).toEqual({
      HOST: "127.0.0.1",
      HTTP_PORT: "18090",
      SIM_RATE429: "0.1",
      SIM_ACCOUNT_SID: simulatedAccount.accountSid,
      SIM_AUTH_TOKEN: simulatedAccount.authToken,
      SIM_SENDERS: simulatedAccount.from,
    });
  });

  test("knows which variables of a file are read", () => {
    const names = ["LOG_LEVEL", "GATEWAY_HTTP_PORT", "SIM_LATENCY_MS", "SENDER_CONCURENCY", "PGHOST"];
    expect(names.filter((name) => !isRead(name, schemas))).toEqual(["SENDER_CONCURENCY", "PGHOST"]);
  });
});
