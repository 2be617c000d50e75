import { randomBytes, randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { createDatabase, ensureDatabase, migrate } from "../database.ts";
import { refuseForeignAccount } from "./foreign-account.ts";
import { simulatedAccount, type TwilioChoice } from "./twilio-choice.ts";

const server = process.env["TEST_DATABASE_URL"]!;
const simulated: TwilioChoice = { kind: "simulated", account: simulatedAccount };
const real: TwilioChoice = { kind: "real", settings: {} };
let url: string;

beforeEach(async () => {
  url = await createDatabase(server, `wahub_test_${randomBytes(8).toString("hex")}`);
  await migrate(url);
});

async function addAccount(sid: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const tenant = randomUUID();
  await client.query(
    "insert into tenant (id, name, recipient_hash_key, created_at) values ($1, 'default', '\\x00', now())",
    [tenant],
  );
  await client.query(
    "insert into account (id, tenant_id, sid, credentials_ref, created_at) values ($1, $2, $3, 'env', now())",
    [randomUUID(), tenant, sid],
  );
  await client.end();
}

describe("a database of the user's", () => {
  test("that is new may be used with the simulator or with real Twilio", async () => {
    await refuseForeignAccount(url, simulated);
    await refuseForeignAccount(url, real);
  });

  test("that has sent through real Twilio is not for the simulator", async () => {
    await addAccount(`AC${"a".repeat(32)}`);
    await expect(refuseForeignAccount(url, simulated)).rejects.toThrow("has sent through a real Twilio account");
    await refuseForeignAccount(url, real);
  });

  test("that the simulator has used is not for real Twilio", async () => {
    await addAccount(simulatedAccount.accountSid);
    await expect(refuseForeignAccount(url, real)).rejects.toThrow("has been used with the simulator");
    await refuseForeignAccount(url, simulated);
  });
});

test("a database is made once", async () => {
  expect(await ensureDatabase(server, new URL(url).pathname.slice(1))).toBe(url);
});
