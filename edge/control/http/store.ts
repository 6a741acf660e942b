/** The part of D1's binding that the queries use; `D1Database` fits it as it is. */
export interface Database {
  prepare(sql: string): Statement;
  /** Runs statements in their order, as one transaction: all of them or none. */
  batch(statements: Statement[]): Promise<{ results: unknown[] }[]>;
}

/** A prepared statement of D1. Rows come back as `unknown` and are read with zod. */
export interface Statement {
  bind(...values: unknown[]): Statement;
  first(): Promise<unknown>;
  all(): Promise<{ results: unknown[] }>;
  run(): Promise<unknown>;
}
