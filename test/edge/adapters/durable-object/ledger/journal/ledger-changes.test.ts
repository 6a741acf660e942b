import { beforeAll, expect, test } from "vitest";
import {
  foldEnded,
  makeLateId,
  writeEnded,
  writeKind,
  writeOne,
  type NumberedChange,
} from "#edge/adapters/durable-object/ledger/journal/ledger-changes.ts";
import { schema } from "#edge/adapters/durable-object/ledger/journal/ledger-schema.ts";
import type { Change, Closing, Hold } from "#edge/ledger/state.ts";
import { freshHold, freshOrg, keyId, noon } from "#test/contracts/ledger/ledger-fixtures.ts";
import { insides, migrate, openStub } from "../ledger-world.ts";

beforeAll(migrate);

const org = freshOrg();

const makeHold = (id: string, key: string | null): Hold => ({
  id,
  key: keyId(org, 1),
  isKeyBooked: false,
  endpoint: "chat.completions",
  model: 'a "quoted" model, ü',
  tier: "shared",
  price: { promptMicrosPerMTok: 1, completionMicrosPerMTok: 2 },
  promptTokens: 1,
  completionTokens: 2,
  choices: 1,
  admittedAtMs: noon,
  expiresAtMs: noon + 1,
  idempotency: key === null ? null : { key, body: "b" },
  checkpoint: null,
});

const makeClosing = (hold: string, end: Closing["end"]): Closing => ({
  hold,
  end,
  charged: { promptTokens: 1, cachedTokens: 0, completionTokens: 2, responseId: 'x"y' },
  costMicros: 3,
  atMs: noon,
  endedAtMs: noon,
});

/** Every kind of change, of holds of their own. */
function makeChanges() {
  const holds = [1, 2, 3].map((n) => makeHold(freshHold(), n === 2 ? null : `key ${n}`));
  const [one, two, three] = holds as [Hold, Hold, Hold];
  const usage = makeClosing("", "completed").charged;
  const kinds: Change[][] = [
    holds.map((hold) => ({ kind: "held", hold })),
    [one, two].map((hold) => ({ kind: "checkpointed", hold: { ...hold, checkpoint: usage } })),
    [
      { kind: "closed", hold: one, closing: makeClosing(one.id, "expired") },
      { kind: "closed", hold: two, closing: makeClosing(two.id, "completed") },
      { kind: "closed", hold: three, closing: makeClosing(three.id, "released") },
    ],
    [one, two].map((hold) => ({ kind: "late", hold, closing: makeClosing(hold.id, "adjusted") })),
  ];
  let seq = 0;
  return kinds.map((changes) => changes.map((change) => ({ org, seq: ++seq, change })));
}

async function onSql<T>(look: (sql: SqlStorage) => T): Promise<T> {
  const place = freshOrg();
  await openStub(place).inspect(place);
  return insides(place, (_, { storage }) => {
    storage.sql.exec(schema);
    return look(storage.sql);
  });
}

test("changes that are written together leave the very rows that they leave one by one", () =>
  onSql((sql) => {
    const kinds = makeChanges();
    const read = () => sql.exec("SELECT * FROM holds ORDER BY seq").toArray();
    for (const change of kinds.flat()) writeOne(sql, change);
    const apart = read();
    sql.exec("DELETE FROM holds");
    for (const changes of kinds) writeKind(sql, changes[0]!.change.kind, changes);
    expect(read()).toEqual(apart);
    expect(apart).toHaveLength(5);
    expect(apart.map(({ idempotency }) => idempotency)).toEqual(["key 1", null, null, null, null]);
    expect(apart.map(({ end }) => end)).toEqual(["expired", "completed", "released", "adjusted", "adjusted"]);
  }));

const readHold = ({ change }: NumberedChange) => ("hold" in change ? change.hold.id : null);

/** Two calls under a lease that end as soon as they are heard of, and one that runs. */
function makeLeased(): NumberedChange[] {
  const holds = ["closed", "closed", "runs"].map(() => ({
    ...makeHold(freshHold(), null),
    lease: { id: `lease_${"1".repeat(22)}`, bookedAtMs: noon + 9 },
  }));
  const changes = holds.flatMap((hold, at): Change[] => {
    const closing = makeClosing(hold.id, "completed");
    return at === 2
      ? [{ kind: "opened", hold }]
      : [
          { kind: "opened", hold },
          { kind: "closed", hold, closing },
        ];
  });
  return changes.map((change, at) => ({ org, seq: at + 1, change }));
}

test("a call that begins and ends in one batch is one row, the same as in two steps", () =>
  onSql((sql) => {
    const changes = makeLeased();
    const read = () => sql.exec("SELECT * FROM holds ORDER BY seq").toArray();
    for (const change of changes) writeOne(sql, change);
    const apart = read();
    sql.exec("DELETE FROM holds");
    const { ended, rest } = foldEnded(changes.toReversed());
    expect([ended.length, rest.map(({ seq }) => seq)]).toEqual([2, [5]]);
    writeEnded(sql, ended);
    writeKind(sql, "opened", rest);
    expect(read()).toEqual(apart);
    expect(() => writeEnded(sql, ended)).toThrow("UNIQUE");
  }));

test("what happens to a lease is a row of its own, with the change as it was", () =>
  onSql((sql) => {
    const id = `lease_${"2".repeat(22)}`;
    const changes: Change[] = [
      { kind: "returned", lease: id, attempts: 3, back: { calls: 2, tokens: 1, costMicros: 0 }, atMs: noon },
      { kind: "swept", lease: id, atMs: noon + 1 },
    ];
    for (const [at, change] of changes.entries()) writeOne(sql, { org, seq: at + 1, change });
    const stored = sql.exec<{ change: string }>("SELECT change FROM leases ORDER BY seq").toArray();
    expect(stored.map(({ change }) => JSON.parse(change))).toEqual(changes);
  }));

test("an id that was given before stores none of those that come with it", () =>
  onSql((sql) => {
    const [held = []] = makeChanges();
    writeOne(sql, held[1]!);
    expect(() => writeKind(sql, "held", held)).toThrow("UNIQUE");
    expect(sql.exec("SELECT id FROM holds").toArray()).toEqual([{ id: readHold(held[1]!) }]);
    expect(() => writeOne(sql, held[1]!)).toThrow("UNIQUE");
  }));

test("many are found by their id, not by reading all rows", () =>
  onSql((sql) => {
    const plan = sql
      .exec<{ detail: string }>(
        "EXPLAIN QUERY PLAN UPDATE holds SET hold = each.hold FROM (SELECT value ->> 0 AS id, value ->> 1 AS hold " +
          "FROM json_each('[]')) AS each WHERE holds.id = each.id",
      )
      .toArray();
    expect(plan.map(({ detail }) => detail).join("; ")).toMatch(/SEARCH holds USING .*INDEX/);
  }));

test("a late line has an id of its own", () => expect(makeLateId("hold_1")).toBe("hold_1:late"));
