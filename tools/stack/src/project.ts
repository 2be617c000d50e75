import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with the project's package.json. */
export const PROJECT_ROOT = resolve(fileURLToPath(new URL("../../..", import.meta.url)));

/** Downloads, compiled code and logs; ignored by git and safe to delete. */
export const CACHE_FOLDER = join(PROJECT_ROOT, ".cache");
