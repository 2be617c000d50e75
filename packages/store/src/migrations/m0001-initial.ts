import { messageTables } from "./m0001-message-tables.ts";
import { partitions } from "./m0001-partitions.ts";
import { tables } from "./m0001-tables.ts";
import type { SqlMigration } from "./sql-migration.ts";

/** Everything from nothing. */
export const initial: SqlMigration = { name: "0001-initial", statements: [...tables, ...messageTables, ...partitions] };
