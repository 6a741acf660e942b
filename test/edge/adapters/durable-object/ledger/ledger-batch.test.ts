import { beforeAll, expect, test } from "vitest";
import { settleBatches } from "#edge/adapters/durable-object/ledger/ledger-batch.ts";
import { LedgerCores } from "#edge/adapters/durable-object/ledger/ledger-cores.ts";
import { SqliteJournal } from "#edge/adapters/durable-object/ledger/journal/ledger-journal.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import {
  freshOrg,
  keyRecord,
  makeRecord,
  makeRequest,
  noon,
  orgRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, openStub } from "./ledger-world.ts";

beforeAll(migrate);

/** A journal in an object of its own that keeps so many orgs, each with two open holds; its statements are counted. */
async function onShard<T>(count: number, look: (shard: ReturnType<typeof openShardOn>) => T): Promise<T> {
  const place = freshOrg();
  await openStub(place).inspect(place);
  return insides(place, (_, { storage }) => look(openShardOn(storage, count)));
}

function openShardOn(storage: DurableObjectStorage, count: number) {
  const statements: string[] = [];
  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    statements.push(query);
    return storage.sql.exec(query, ...bindings);
  };
  const counted = {
    sql: { exec } as unknown as SqlStorage,
    transactionSync: <R>(work: () => R) => storage.transactionSync(work),
  };
  const start = () => {
    const journal = new SqliteJournal(counted);
    return { journal, cores: new LedgerCores(journal, () => true) };
  };
  const { journal, cores } = start();
  const orgs = Array.from({ length: count }, () => freshOrg());
  const holds = new Map<OrgId, string[]>();
  for (const org of orgs) {
    const core = cores.find(org);
    core.publish(orgRecord(org, { tokensPerDay: 1_000 }), noon);
    core.publish(keyRecord(org, 1), noon);
    cores.keep(org, core);
    const requests = [makeRequest(org), makeRequest(org)];
    for (const request of requests) core.commit(core.evaluate(request, noon));
    holds.set(
      org,
      requests.map(({ hold }) => hold),
    );
  }
  const records = (org: OrgId) => (holds.get(org) ?? []).map((hold) => makeRecord(org, hold));
  const find = (org: OrgId) => cores.find(org);
  const settle = (batches: { org: OrgId; records: ReturnType<typeof records> }[]) =>
    settleBatches(batches, { journal, find }, noon);
  const readStates = (of = cores) => orgs.map((org) => structuredClone(of.find(org).state));
  return { storage, statements, orgs, records, settle, readStates, restart: () => start().cores };
}

const settled = { kind: "settled", settlements: [{ result: "settled" }, { result: "settled" }] };

test("the holds of many orgs are closed by one statement, and a restart finds them closed", () =>
  onShard(20, ({ statements, orgs, records, settle, readStates, restart }) => {
    statements.length = 0;
    expect(settle(orgs.map((org) => ({ org, records: records(org) })))).toMatchObject(orgs.map(() => settled));
    expect(statements).toHaveLength(1);
    expect(readStates().every(({ holds }) => Object.keys(holds).length === 0)).toBe(true);
    expect(readStates(restart())).toEqual(readStates());
  }));

test("an org whose rows cannot be stored fails alone, and is as it was; sent again it is settled", () =>
  onShard(3, ({ storage, orgs, records, settle, readStates, restart }) => {
    const [one = "", two = "", three = ""] = orgs;
    const before = readStates();
    storage.sql.exec(
      `CREATE TRIGGER refusing BEFORE UPDATE ON holds WHEN new.org = '${two}' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    const batches = [one, two, three].map((org) => ({ org, records: records(org) }));
    const answers = settle(batches);
    expect(answers).toMatchObject([
      settled,
      { kind: "failed", cause: expect.stringContaining("no") as string },
      settled,
    ]);
    expect(readStates()[1]).toEqual(before[1]);
    expect(readStates(restart())).toEqual(readStates());
    storage.sql.exec("DROP TRIGGER refusing");
    const again = { kind: "settled", settlements: [{ result: "repeated" }, { result: "repeated" }] };
    expect(settle(batches)).toMatchObject([again, settled, again]);
    expect(readStates(restart())).toEqual(readStates());
  }));

test("what is malformed, unknown or named twice is answered at its place, and stops no other", () =>
  onShard(3, ({ orgs, records, settle }) => {
    const [one = "", two = "", three = ""] = orgs;
    const stranger = freshOrg();
    const bad = records(two).map((record) => ({ ...record, completionTokens: -1 }));
    const answers = settle([
      { org: two, records: bad },
      { org: "__proto__", records: [] },
      { org: stranger, records: [makeRecord(stranger, records(one)[0]!.hold)] },
      { org: one, records: records(one) },
      { org: three, records: records(three).slice(1) },
      { org: three, records: records(three) },
    ]);
    expect(answers).toMatchObject([
      { kind: "failed", cause: "ledger: 'record.completionTokens' is not acceptable" },
      { kind: "failed", cause: "ledger: 'org' is not acceptable" },
      { kind: "settled", settlements: [{ result: "unknown" }] },
      settled,
      { kind: "settled", settlements: [{ result: "settled" }] },
      { kind: "settled", settlements: [{ result: "settled" }, { result: "repeated" }] },
    ]);
  }));
