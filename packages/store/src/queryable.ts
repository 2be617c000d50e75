import type { QueryConfig, QueryResult, QueryResultRow } from "pg";

/** The pool, or a connection borrowed from it: reads run on either, inside a transaction or not. */
export interface Queryable {
  query<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>>;
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<Row>>;
}
