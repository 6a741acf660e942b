import { Refusal } from "../../errors.ts";
import type { Database, Statement } from "./store.ts";

/** Waits for an answer as long as is right; rejects when none comes. */
export type Wait = <T>(answer: Promise<T>) => Promise<T>;

/**
 * Wraps the control plane's store. When it fails or does not answer, the request is refused with 503, and repeating it
 * heals: a write may have happened, but nothing that was refused is in force. Faults of our own SQL stay internal
 * errors.
 */
export function boundedDatabase(db: Database, wait: Wait): Database {
  return { prepare: (sql) => boundedStatement(db.prepare(sql), wait) };
}

function boundedStatement(statement: Statement, wait: Wait): Statement {
  return {
    bind: (...values) => boundedStatement(statement.bind(...values), wait),
    first: () => answered(() => wait(statement.first())),
    all: () => answered(() => wait(statement.all())),
    run: () => answered(() => wait(statement.run())),
  };
}

const ourFault = /SQLITE_(CONSTRAINT|ERROR|MISMATCH|RANGE)/;

async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof Error && ourFault.test(cause.message)) throw cause;
    throw new Refusal("store_unavailable", {
      say: "The store is out of reach. Repeat the request.",
      retryAfterMs: 1_000,
      log: "d1 out of reach",
      cause,
    });
  }
}
