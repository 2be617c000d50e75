import type { MigrationObject } from "@mikro-orm/core";
import { Migration } from "@mikro-orm/migrations";

/**
 * One step of the schema, as the statements that take it. There is no way down: a step back would drop what customers
 * sent, so a mistake is mended by the next step.
 */
export interface SqlMigration {
  /** Stored in every database; never changes once it is released. */
  readonly name: string;
  readonly statements: readonly string[];
}

/** The same in the form MikroORM's migrator takes. */
export function toMigratorEntry({ name, statements }: SqlMigration): MigrationObject {
  class Step extends Migration {
    override up(): void {
      for (const statement of statements) this.addSql(statement);
    }
  }
  return { name, class: Step };
}
