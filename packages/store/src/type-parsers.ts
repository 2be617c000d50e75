import { TypeOverrides, types } from "pg";

const { INT8, TIMESTAMPTZ } = types.builtins;

/**
 * How values arrive from PostgreSQL: timestamptz as Date, bigint as number where that is exact (else as text), numeric
 * as text, jsonb parsed. Replaces MikroORM's parsers, which leave timestamps as text for plain SQL.
 */
export function createTypeParsers(): TypeOverrides {
  const overrides = new TypeOverrides();
  overrides.setTypeParser(INT8, parseBigint);
  overrides.setTypeParser(TIMESTAMPTZ, types.getTypeParser(TIMESTAMPTZ));
  return overrides;
}

function parseBigint(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}
