import { createHash } from "node:crypto";
import { initial } from "./m0001-initial.ts";
import { exactlyOnce } from "./m0002-exactly-once.ts";
import { toMigratorEntry } from "./sql-migration.ts";

/**
 * Every migration in the order it runs. A released one never changes. The code of the release before keeps running
 * while a migration runs and after it, so what that code still uses is dropped one release later.
 */
export const migrations = [initial, exactlyOnce];

/** For MikroORM's migrator. */
export const migrationsList = migrations.map(toMigratorEntry);

/** Changes whenever any migration does; names the template of the test databases. */
export const migrationsHash = createHash("sha256").update(JSON.stringify(migrations)).digest("hex").slice(0, 12);
