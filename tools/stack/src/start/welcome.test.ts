import { beforeAll, describe, expect, test } from "@jest/globals";
import { loadServiceSchemas, type ServiceSchemas } from "./service-schemas.ts";
import { readSettings } from "./settings.ts";
import { realTwilioText, welcomeText } from "./welcome.ts";

const hub = {
  apiKey: "wahub_key",
  databaseUrl: "postgresql://wahub:secret@127.0.0.1:25432/wahub",
  redisUrl: "redis://:secret@127.0.0.1:26379/0",
  logFolder: "/logs",
};
let schemas: ServiceSchemas;

beforeAll(async () => {
  schemas = await loadServiceSchemas();
});

describe("the welcome", () => {
  test("has the URLs, the key, and calls that work as they stand", () => {
    const text = welcomeText(
      readSettings({ GATEWAY_HTTP_PORT: "18080" }, { realTwilio: false }, schemas),
      hub,
      "/data",
    );
    expect(text).toContain("simulated Twilio: nothing leaves this machine");
    for (const address of ["http://127.0.0.1:18080", "127.0.0.1:50051", "127.0.0.1:50052", "http://127.0.0.1:8090"])
      expect(text).toContain(address);
    expect(text).toMatch(/^curl http:\/\/127.0.0.1:18080\/bulk-send -H 'authorization: Bearer wahub_key' .*'$/m);
    expect(text).toMatch(/^grpcurl -plaintext .* 127.0.0.1:50051 whatsapphub.v1.DispatchService\/BulkSend$/m);
    expect(text).toContain(`REDIS_URL=${hub.redisUrl} npm run queues`);
  });

  test("never repeats the addresses of the user's own servers, which have passwords", () => {
    const env = { DATABASE_URL: hub.databaseUrl, REDIS_URL: hub.redisUrl };
    const text = welcomeText(readSettings(env, { realTwilio: false }, schemas), hub, "/data");
    expect(text).not.toContain("secret");
  });

  test("is loud about real Twilio, and tells no token and no number", () => {
    const text = realTwilioText({
      TWILIO_ACCOUNT_SID: "AC1",
      TWILIO_AUTH_TOKEN: "token",
      TWILIO_WHATSAPP_FROM: "whatsapp:+15005550006",
      PUBLIC_WEBHOOK_URL: "https://hub.example.com",
    });
    expect(text).toMatch(/^!{20,}\nREAL TWILIO: messages go to real people and cost money\.\n.*\n!{20,}$/);
    expect(text).toContain("sender ...0006");
    expect(text).not.toMatch(/token|5005550006/);
  });
});
