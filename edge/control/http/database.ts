import { Refusal } from "../../errors.ts";
import type { Database, Statement } from "./store.ts";

/** Waits for an answer as long as is right; rejects when none comes. */
export type Wait = <T>(answer: Promise<T>) => Promise<T>;

/**
 * Wraps the control plane's store. When it fails or does not answer, the request is refused with 503, and repeating it
 * heals: a write may have happened, but nothing that was refused is in force. Faults of our own SQL stay internal
 * errors.
 */
export function boundDatabase(db: Database, wait: Wait): Database {
  /** What stands behind each statement that was given out, since a batch has to be of the store's own. */
  const behind = new WeakMap<Statement, Statement>();
  const bound = (statement: Statement): Statement => {
    const shown: Statement = {
      bind: (...values) => bound(statement.bind(...values)),
      first: () => refuseOnFailure(() => wait(statement.first())),
      all: () => refuseOnFailure(() => wait(statement.all())),
      run: () => refuseOnFailure(() => wait(statement.run())),
    };
    behind.set(shown, statement);
    return shown;
  };
  return {
    prepare: (sql) => bound(db.prepare(sql)),
    batch: (statements) =>
      refuseOnFailure(() => wait(db.batch(statements.map((statement) => behind.get(statement) ?? statement)))),
  };
}

const ourFault = /SQLITE_(CONSTRAINT|ERROR|MISMATCH|RANGE)/;

async function refuseOnFailure<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof Error && ourFault.test(cause.message)) throw cause;
    throw new Refusal("store_unavailable", {
      message: "The store is out of reach. Repeat the request.",
      retryAfterMs: 1_000,
      log: "d1 out of reach",
      cause,
    });
  }
}
