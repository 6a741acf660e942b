import { expect, test } from "vitest";
import { openTickets } from "#edge/agreements/tokens/ticket.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { takeUsage } from "#edge/settlement/index.ts";
import { keyringOf } from "#test/support/fakes/keyring.ts";
import { authorizeNode, findKeysOf } from "#test/support/fakes/node-keys.ts";
import { buildRecord } from "#test/support/fakes/origin.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const findKeys = findKeysOf("node_a", "node_b");
const tickets = openTickets(await keyringOf());

/** A batch signed by node B, the ledger's part in it, and what the edge said and logged. */
async function send(records: UsageRecord[], known = tickets) {
  const settled: UsageRecord[] = [];
  let calls = 0;
  const ledger = {
    settleAll: async (batches: { records: UsageRecord[] }[]) => {
      calls++;
      settled.push(...batches.flatMap((batch) => batch.records));
      return batches.map((batch) => ({
        status: "fulfilled" as const,
        value: batch.records.map(() => ({ result: "settled" })),
      }));
    },
  };
  const body = JSON.stringify({ node: "node_b", records });
  const authorization = authorizeNode("node_b", body, startedAtMs);
  const visit = visitOf(posted(body, { authorization }));
  const counts = await takeUsage(visit, findKeys, ledger, known);
  return { counts, settled, calls, visit };
}

const own = buildRecord();
const withTicket = (record: UsageRecord, node = "node_b"): UsageRecord => ({
  ...record,
  ticket: tickets.make({ hold: record.hold, node }),
});

test("a record of another node's hold is refused before any ledger is asked, and named in the log", async () => {
  const stolen = buildRecord({ promptTokens: 0, completionTokens: 0 });
  const { ticket: mine } = withTicket(own);
  const records = [
    withTicket(stolen, "node_a"),
    { ...stolen, ticket: mine },
    stolen,
    { ...stolen, isFinal: false },
    { ...stolen, ticket: "" },
  ];
  const { counts, calls, visit } = await send(records);
  expect([counts, calls]).toEqual([{ refused: 5 }, 0]);
  const named = { node: "node_b", hold: stolen.hold };
  expect(visit.logged).toEqual(
    ["wrong", "wrong", "missing", "missing", "wrong"].map((ticket) => ({
      event: "usage_refused",
      facts: { ...named, ticket },
    })),
  );
});

test("the others of the batch settle, and their tickets go no further", async () => {
  const { counts, settled, visit } = await send([buildRecord(), withTicket(own)]);
  expect(counts).toEqual({ refused: 1, settled: 1 });
  expect(settled).toEqual([own]);
  expect(JSON.stringify(visit.logged)).not.toContain(withTicket(own).ticket);
});

test("while older agents are waited for, a record without a ticket settles; with another's never", async () => {
  const waiting = openTickets(await keyringOf(), true);
  const stolen = withTicket(buildRecord(), "node_a");
  const { counts, settled } = await send([own, stolen], waiting);
  expect([counts, settled]).toEqual([{ refused: 1, settled: 1 }, [own]]);
});
