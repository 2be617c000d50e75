// `npm run audit`, and `audit` of the image: compares all that is stored of every batch with itself and prints what is wrong.
// Exit codes: 0 nothing is wrong, 1 faults, 69 (EX_UNAVAILABLE) no PostgreSQL or no schema, 78 (EX_CONFIG) DATABASE_URL
// or SETTLE_AFTER_S is missing or wrong.
import { Client } from "pg";
import { auditAll } from "./audit-all.ts";
import { auditTable } from "./audit-table.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  const { DATABASE_URL: databaseUrl = "", SETTLE_AFTER_S: settleAfterS = "86400" } = process.env;
  if (!/^postgres(ql)?:\/\//.test(databaseUrl) || !URL.canParse(databaseUrl)) {
    const fault = databaseUrl === "" ? "is missing" : "is no PostgreSQL URL";
    console.error(`DATABASE_URL ${fault}: set it to the hub's database, for example postgres://user@host:5432/hub`);
    return 78;
  }
  if (!/^\d{1,9}$/.test(settleAfterS)) {
    console.error("SETTLE_AFTER_S is no number of seconds: set it as dispatch has it, or leave it out");
    return 78;
  }
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    application_name: "audit",
  });
  try {
    await client.connect();
    const report = await auditAll(client, { settleAfterMs: Number(settleAfterS) * 1000 });
    console.log(auditTable(report));
    return report.faults.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`the audit could not be made: ${reasonOf(error)}`);
    return 69;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A host with several addresses fails with an error of errors, which has a code and no words. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
