import { migrate } from "./migrate.ts";

// Exit codes: 0 up to date, 1 failed (the database is as before), 78 (EX_CONFIG) not configured.
const databaseUrl = process.env["DATABASE_URL"];
if (!databaseUrl || !/^postgres(ql)?:\/\//.test(databaseUrl) || !URL.canParse(databaseUrl)) {
  const fault = databaseUrl ? "is no PostgreSQL URL" : "is missing";
  console.error(`DATABASE_URL ${fault}: set it to the database to migrate, for example postgres://user@host:5432/hub`);
  process.exitCode = 78;
} else {
  try {
    await migrate(databaseUrl, (line) => console.log(line));
  } catch (error) {
    console.error(`migration failed: ${reasonOf(error)}`);
    process.exitCode = 1;
  }
}

/** A host with several addresses fails with an error of errors, which has a code and no words. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
