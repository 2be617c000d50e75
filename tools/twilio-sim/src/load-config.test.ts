import { describe, expect, test } from "@jest/globals";
import { usage } from "./command-line.ts";
import { ConfigError, DEFAULT_CONFIG } from "./config.ts";
import { KNOB_NAMES } from "./knobs/knobs.ts";
import { loadConfig } from "./load-config.ts";

const SID = `AC${"ab".repeat(16)}`;

describe("the configuration", () => {
  test("is complete without any variable", () => {
    expect(loadConfig({}, [])).toEqual(DEFAULT_CONFIG);
    expect(loadConfig({ HTTP_PORT: "", SIM_SENDERS: " " }, [])).toEqual(DEFAULT_CONFIG);
  });

  test("takes credentials and sender from the TWILIO_ variables of the system under test", () => {
    const config = loadConfig(
      { TWILIO_ACCOUNT_SID: SID, TWILIO_AUTH_TOKEN: "new,old", TWILIO_WHATSAPP_FROM: "whatsapp:+12125550100" },
      [],
    );
    expect(config).toMatchObject({ accountSid: SID, authTokens: ["new", "old"], senders: ["+12125550100"] });
  });

  test("prefers its own variables, and flags to both", () => {
    const env = { TWILIO_AUTH_TOKEN: "theirs", SIM_AUTH_TOKEN: "ours", HTTP_PORT: "1", SIM_RATE429: "0.1" };
    const config = loadConfig(env, ["--port=0", "--rate429", "0.2", "--latency-ms=5"]);
    expect(config).toMatchObject({ authTokens: ["ours"], httpPort: 0, knobs: { rate429: 0.2, latencyMs: 5 } });
  });

  test("reads knobs of every kind from the environment", () => {
    const { knobs } = loadConfig(
      {
        SIM_LATENCY_JITTER_MS: "7",
        SIM_CALLBACK_EVENT_TYPE: "true",
        SIM_FAIL_TO: '{"whatsapp:+12125550100": 63024}',
        SIM_FAIL_NEXT: '[{"status": 503, "code": 20503}]',
      },
      [],
    );
    expect(knobs).toMatchObject({
      latencyJitterMs: 7,
      callbackEventType: true,
      failTo: { "+12125550100": { code: 63024, as: "undelivered" } },
      failNext: [{ status: 503, code: 20503, times: 1 }],
    });
  });

  test("names every fault at once", () => {
    const env = {
      HTTP_PORT: "http",
      SIM_ACCOUNT_SID: "AC1",
      SIM_SENDERS: "12",
      SIM_READ_SHARE: "70%",
      LOG_LEVEL: "loud",
    };
    const load = (): unknown => loadConfig(env, ["--speedy=1", "--speed=0", "extra", "--seed"]);
    expect(load).toThrow(ConfigError);
    try {
      load();
    } catch (error) {
      expect((error as ConfigError).faults).toEqual([
        "unknown flag --speedy; see --help",
        '"extra" is not a flag; see --help',
        "--seed needs a value",
        "HTTP_PORT must be a port from 0 to 65535",
        "SIM_ACCOUNT_SID must be AC and 32 hexadecimal digits",
        "SIM_SENDERS must be E.164 numbers (+15551234567), separated by commas",
        "LOG_LEVEL must be one of debug, info, warn, error, silent",
        "--speed must be a number from 0.001 to 1000000",
        "SIM_READ_SHARE must be a number from 0 to 1",
      ]);
    }
  });

  test("never repeats a token in a fault", () => {
    expect(() => loadConfig({ SIM_AUTH_TOKEN: " , ," }, [])).toThrow(/SIM_AUTH_TOKEN must be one token/);
  });

  test("is explained by --help, every knob included", () => {
    for (const name of KNOB_NAMES)
      expect(usage()).toContain(`--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}=`);
  });
});
