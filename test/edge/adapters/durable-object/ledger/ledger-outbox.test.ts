import { expect, test } from "vitest";
import { drainOutbox } from "#edge/adapters/durable-object/ledger/ledger-outbox.ts";
import type { SqliteJournal } from "#edge/adapters/durable-object/ledger/journal/ledger-journal.ts";

/** An outbox of batches of orgs' rows, and a D1 that refuses some. */
function open(batches: string[][], refuses: (orgs: string[]) => boolean) {
  const sent: string[] = [];
  const marked: number[] = [];
  const journal = {
    readOutbox: (seq: number) =>
      batches[seq] ? { rows: batches[seq].map((org, at) => ({ org, id: `${org}${seq}.${at}` })), seq: seq + 1 } : null,
    markDrained: ({ seq }: { seq: number }) => void marked.push(seq),
  } as unknown as SqliteJournal;
  const run = (rows: { org: string; id: string }[]) => {
    if (refuses(rows.map(({ org }) => org))) throw new Error("refused");
    sent.push(...rows.map(({ id }) => id));
    return { success: true };
  };
  const bind = (rows: string) => ({ run: async () => run(JSON.parse(rows)) });
  const db = { prepare: () => ({ bind }) } as unknown as D1Database;
  return { sent, marked, drain: () => drainOutbox(db, journal) };
}

test("each batch is sent, and then marked", async () => {
  const { sent, marked, drain } = open([["a", "b"], ["a"]], () => false);
  await drain();
  expect([sent, marked]).toEqual([
    ["a0.0", "b0.1", "a1.0"],
    [1, 2],
  ]);
});

test("rows of one org that D1 refuses hold up no other's, and are not passed over", async () => {
  const { sent, marked, drain } = open([["a", "c"], ["a", "bad", "b", "bad"], ["c"]], (orgs) => orgs.includes("bad"));
  await expect(drain()).rejects.toThrow("refused");
  expect(sent).toEqual(["a0.0", "c0.1", "a1.0", "b1.2", "c2.0"]);
  // The second goes again, and what comes after it, until it is whole.
  expect(marked).toEqual([1]);
});

test("a D1 that refuses all is not asked for each org, nor for each batch", async () => {
  let asked = 0;
  const { marked, drain } = open([["a", "b", "c", "d", "e"], ["a"]], () => (asked++, true));
  await expect(drain()).rejects.toThrow("refused");
  expect([asked, marked]).toEqual([3, []]);
  asked = 0;
  const own = open(
    Array.from({ length: 9 }, () => ["a"]),
    () => (asked++, true),
  );
  await expect(own.drain()).rejects.toThrow("refused");
  expect([asked, own.marked]).toEqual([2, []]);
});
