import type { QueryConfig, QueryResult, QueryResultRow } from "pg";

/** The pool, or a connection borrowed from it: reads run on either, inside a transaction or not. */
export interface Queryable {
  query<Row extends QueryResultRow>(config: TimedQuery): Promise<QueryResult<Row>>;
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<Row>>;
}

/** A statement that may be given less time (ms) for its answer than the pool's. The driver's types do not know of it. */
export interface TimedQuery extends QueryConfig {
  readonly query_timeout?: number;
}
