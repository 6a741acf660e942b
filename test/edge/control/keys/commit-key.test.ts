import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { boundDatabase } from "#edge/control/http/database.ts";
import type { Database, Statement } from "#edge/control/http/store.ts";
import { publishLeft } from "#edge/control/publishing/publish-left.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());
afterEach(() => void (world.control.db = world.db));

const stepsMax = 40;

/**
 * The store, which is lost at its `at`-th answer: before it has done what it was asked, or when it has and cannot say
 * so. `isHit` tells whether it came to that.
 */
function breakStore(db: Database, at: number, isDone: boolean): { db: Database; isHit: () => boolean } {
  const behind = new WeakMap<Statement, Statement>();
  let count = 0;
  const answer = async <T>(run: () => Promise<T>): Promise<T> => {
    const isLost = count++ === at;
    if (isLost && !isDone) throw new Error("D1_ERROR: Network connection lost.");
    const given = await run();
    if (isLost) throw new Error("D1_ERROR: Network connection lost.");
    return given;
  };
  const wrap = (statement: Statement): Statement => {
    const shown: Statement = {
      bind: (...values) => wrap(statement.bind(...values)),
      first: () => answer(() => statement.first()),
      all: () => answer(() => statement.all()),
      run: () => answer(() => statement.run()),
    };
    behind.set(shown, statement);
    return shown;
  };
  const batch: Database["batch"] = (statements) =>
    answer(() => db.batch(statements.map((statement) => behind.get(statement) ?? statement)));
  const broken = { prepare: (sql: string) => wrap(db.prepare(sql)), batch };
  return { db: boundDatabase(broken, (waited) => waited), isHit: () => count > at };
}

/** Does this for every answer at which the store can be lost, in both ways; `work` is told when it was not. */
async function loseEach(work: (name: string) => Promise<void>): Promise<void> {
  for (const isDone of [false, true]) {
    let hits = 0;
    for (let at = 0; at < stepsMax; at++) {
      const broken = breakStore(world.db, at, isDone);
      world.control.db = broken.db;
      await work(`${isDone ? "done" : "undone"} ${at}`);
      world.control.db = world.db;
      if (!broken.isHit()) break;
      hits++;
    }
    expect(hits).toBeGreaterThan(1);
    expect(hits).toBeLessThan(stepsMax);
  }
}

const path = () => `/control/orgs/${world.a.org}/keys`;
const create = (name: string) => world.ask("POST", path(), { key: world.a.admin, body: { name } });
const revoke = (id: string) => world.ask("POST", `${path()}/${id}/revoke`, { key: world.a.admin });
const show = async (id: string) => (await world.ask("GET", `${path()}/${id}`)).body.state;
const selectRows = (name: string) => world.select("SELECT id, revoked_at_ms FROM keys WHERE name = ?", name);

it("makes a whole key or none that works, wherever the store is lost on the way", async () => {
  await loseEach(async (name) => {
    const answer = await create(name);
    expect([name, [201, 503].includes(answer.status)]).toEqual([name, true]);
    const rows = await selectRows(name);
    const working = rows.filter(({ id }) => world.publisher.records.has(id) && !world.publisher.key(id).isRevoked);
    // Only a key whose text was shown is one that the ledger lets in.
    expect([name, working.map(({ id }) => id)]).toEqual([name, answer.status === 201 ? [answer.body.id] : []]);
    expect([name, answer.text.includes("sk-pen-")]).toEqual([name, answer.status === 201]);
    world.control.db = world.db;
    await publishLeft(world.db, world.publisher);
    const later = rows.filter(({ id }) => world.publisher.records.has(id) && !world.publisher.key(id).isRevoked);
    expect([name, later]).toEqual([name, working]);
    const again = await create(name);
    expect([name, again.status, world.publisher.key(again.body.id).isRevoked]).toEqual([name, 201, false]);
  });
});

it("says and shows that a key is revoked only when it works no more, wherever the store is lost", async () => {
  await loseEach(async (name) => {
    const { db } = world.control;
    world.control.db = world.db;
    const { id } = (await create(name)).body;
    world.control.db = db;
    const answer = await revoke(id);
    expect([name, [200, 503].includes(answer.status)]).toEqual([name, true]);
    if (answer.status === 200) expect([name, world.publisher.key(id).isRevoked]).toEqual([name, true]);
    world.control.db = world.db;
    const shown = await show(id);
    if (shown === "revoked") expect([name, world.publisher.key(id).isRevoked]).toEqual([name, true]);
    // The cron takes to the ledger what was stored, though nobody repeats it.
    await publishLeft(world.db, world.publisher);
    const isPublished = world.publisher.key(id).isRevoked;
    expect([name, await show(id)]).toEqual([name, isPublished ? "revoked" : "active"]);
    expect([name, isPublished]).toEqual([name, shown !== "active"]);
    // Repeated, it is revoked in both: never in one alone for good.
    expect([name, (await revoke(id)).status]).toEqual([name, 200]);
    const [row] = await world.select("SELECT revoked_at_ms FROM keys WHERE id = ?", id);
    const isRevoked = row?.["revoked_at_ms"] !== null;
    expect([name, isRevoked, world.publisher.key(id).isRevoked]).toEqual([name, true, true]);
  });
});
