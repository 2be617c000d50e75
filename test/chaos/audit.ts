import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { allowedEnvironment } from "../../scripts/allowed-environment.mjs";
import { SETTLE_AFTER_S } from "./settings.ts";

const PROGRAM = new URL("../../packages/store/src/audit-main.ts", import.meta.url).pathname;
const TIMEOUT_MS = 60_000;

/** What `npm run audit` says of this database: whether all sums balance, and its words. */
export async function audit(databaseUrl: string): Promise<{ isBalanced: boolean; words: string }> {
  const set = { DATABASE_URL: databaseUrl, SETTLE_AFTER_S: `${SETTLE_AFTER_S}` };
  const env = allowedEnvironment(process.env, { set });
  return promisify(execFile)(process.execPath, [PROGRAM], { env, timeout: TIMEOUT_MS }).then(
    ({ stdout }) => ({ isBalanced: true, words: stdout.trim() }),
    (error: { stdout?: string; stderr?: string }) => ({
      isBalanced: false,
      words: `${error.stdout ?? ""}${error.stderr ?? ""}`.trim() || String(error),
    }),
  );
}
