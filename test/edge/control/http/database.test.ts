import { expect, test } from "vitest";
import { boundDatabase, type Wait } from "#edge/control/http/database.ts";
import type { Database, Statement } from "#edge/control/http/store.ts";
import { buildErrorBody } from "#edge/errors.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const patient: Wait = (answer) => answer;
const ways = ["first", "all", "run"] as const;

/** A store whose every statement ends so; what was bound to it. */
function storeOf(end: () => Promise<unknown>) {
  const bound: unknown[][] = [];
  const statement: Statement = {
    bind(...values) {
      bound.push(values);
      return statement;
    },
    first: end,
    all: end as Statement["all"],
    run: end,
  };
  const batches: Statement[][] = [];
  const batch: Database["batch"] = async (statements) => {
    batches.push(statements);
    await end();
    return [];
  };
  const db: Database = { prepare: () => statement, batch };
  return { db, bound, batches, statement };
}

test("hands statements, values and rows on as they are", async () => {
  const { db, bound } = storeOf(async () => ({ results: [1] }));
  const bounded = boundDatabase(db, patient);
  for (const way of ways) expect(await bounded.prepare("SELECT ?").bind("a", null)[way]()).toEqual({ results: [1] });
  expect(bound).toEqual([
    ["a", null],
    ["a", null],
    ["a", null],
  ]);
});

test("a store that fails, or that is waited for in vain, is 503 to be repeated, in our words", async () => {
  const failing = boundDatabase(
    storeOf(() => Promise.reject(new Error("D1_ERROR: Network connection lost. CANARY"))).db,
    patient,
  );
  const silent = boundDatabase(storeOf(() => new Promise(() => {})).db, () =>
    Promise.reject(new Error("d1: no answer within 5000 ms")),
  );
  for (const db of [failing, silent]) {
    for (const way of ways) {
      const refusal = await expectRefusal(() => db.prepare("SELECT 1")[way](), "store_unavailable");
      expect(refusal.details.retryAfterMs).toBe(1_000);
      expect(JSON.stringify(buildErrorBody(refusal))).not.toContain("CANARY");
    }
  }
});

test("a batch reaches the store as the store's own statements, and fails as they do", async () => {
  const { db, batches, statement } = storeOf(async () => undefined);
  const bounded = boundDatabase(db, patient);
  await bounded.batch([bounded.prepare("SELECT 1"), bounded.prepare("SELECT ?").bind(1)]);
  expect(batches).toEqual([[statement, statement]]);
  expect(batches[0]?.[0]).toBe(statement);
  const failing = boundDatabase(storeOf(() => Promise.reject(new Error("gone"))).db, patient);
  await expectRefusal(() => failing.batch([failing.prepare("SELECT 1")]), "store_unavailable");
});

test("what our own SQL is to blame for stays a fault of ours", async () => {
  for (const message of [
    "D1_ERROR: UNIQUE constraint failed: keys.id: SQLITE_CONSTRAINT",
    "D1_ERROR: no such table: orgs: SQLITE_ERROR",
  ]) {
    const bounded = boundDatabase(storeOf(() => Promise.reject(new Error(message))).db, patient);
    await expect(bounded.prepare("SELECT 1").first()).rejects.toThrow(message);
  }
});
