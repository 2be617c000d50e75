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
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { env, timeout: TIMEOUT_MS });
    return { isBalanced: true, words: stdout.trim() };
  } catch (error) {
    const { stdout = "", stderr = "", message = "" } = error as Partial<Record<string, string>>;
    return { isBalanced: false, words: `${stdout}${stderr}`.trim() || message };
  }
}
