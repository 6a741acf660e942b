import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { locateLedger, locateOwn } from "#edge/agreements/tokens/placement.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { durableObjectLedger } from "#edge/adapters/durable-object/ledger/ledger.ts";
import type { OrgLedger } from "#edge/adapters/durable-object/ledger/ledger-object.ts";
import { openLedgerMover } from "#edge/adapters/durable-object/ledger/moves/ledger-mover.ts";
import { isMoved } from "#edge/adapters/durable-object/ledger/ledger-answers.ts";
import {
  granted,
  keyRecord,
  makeRecord,
  makeRequest,
  orgRecord,
  projectId,
  projectRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";
import { LEDGERS, migrate, openObject, openShard, openWith, restartObject, usageInD1 } from "../ledger-world.ts";

beforeAll(migrate);

/** The objects, but for one call: before it is made, or after it is done and before it is answered, all breaks. */
function breaking(at: number, when: "before" | "after"): DurableObjectNamespace<OrgLedger> {
  let calls = 0;
  const wrap = (stub: object) =>
    new Proxy(stub, {
      get: (_, member) => {
        return async (...given: unknown[]) => {
          const isBroken = ++calls === at;
          if (isBroken && when === "before") throw new Error("crash");
          const answer = await (stub as Record<PropertyKey, (...given: unknown[]) => unknown>)[member]?.(...given);
          if (isBroken) throw new Error("crash");
          return answer;
        };
      },
    });
  return {
    idFromName: (name: string) => LEDGERS.idFromName(name),
    get: (id: DurableObjectId) => wrap(LEDGERS.get(id)),
  } as unknown as DurableObjectNamespace<OrgLedger>;
}

const mover = openLedgerMover(LEDGERS);
const names = (org: OrgId) => [locateLedger(org).name, locateOwn(org).name];

/** In how many objects the org is served; an object that has moved it, or is about to, refuses. */
async function countAuthorities(org: OrgId): Promise<number> {
  const answers = await Promise.all(
    names(org)
      .map(async (name) => openObject(name).inspect(org))
      .map((answer) => answer.catch(() => null)),
  );
  return answers.filter((answer) => answer !== null && !isMoved(answer)).length;
}

/**
 * An org of the shard, its key in a project, with an open hold, one with a checkpoint, a settled one, and one whose row
 * waits for D1.
 */
async function openBusy() {
  const opened = await openWith({ tokensPerDay: 100_000, concurrency: 9 }, openShard);
  const { ledger, org } = opened;
  await ledger.publish(projectRecord(org, 1, { limits: { tokensPerDay: 50_000 } }));
  await ledger.publish(keyRecord(org, 1, { project: projectId(org, 1) }));
  const neighbour = await openWith({ tokensPerDay: 500 }, openShard);
  const idempotency = { key: "a".repeat(64), body: "b".repeat(64) };
  const admit = async (fields = {}) => granted(await ledger.admit(makeRequest(org, fields))).hold;
  const [drained, noted, open] = [await admit(), await admit(), await admit({ idempotency })];
  await ledger.settle(org, [makeRecord(org, drained)]);
  await runDurableObjectAlarm(openObject(names(org)[0]!));
  const waiting = await admit();
  await ledger.settle(org, [makeRecord(org, noted, { isFinal: false, completionTokens: 3 })]);
  await ledger.settle(org, [makeRecord(org, waiting)]);
  granted(await neighbour.ledger.admit(makeRequest(neighbour.org)));
  const before = await ledger.inspect(org);
  const restartAll = async () => {
    for (const name of names(org)) {
      // Only what runs can be killed.
      await openObject(name).list(org, 0);
      await restartObject(name, opened.clock);
    }
  };
  return { ...opened, neighbour, drained, noted, open, waiting, before, idempotency, restartAll };
}

type Busy = Awaited<ReturnType<typeof openBusy>>;

/** The org is in its own object, as it was: nothing is lost, nothing is twice, its neighbour is where it was. */
async function expectArrived({ org, clock, before, open, noted, waiting, drained, idempotency, neighbour }: Busy) {
  const ledger = durableObjectLedger(LEDGERS, 60_000);
  expect(await countAuthorities(org)).toBe(1);
  expect(await openObject(names(org)[0]!).inspect(org)).toMatchObject({ kind: "moved" });
  expect(await ledger.inspect(org)).toEqual(before);
  expect(before?.windows.find(({ of }) => of === projectId(org, 1))).toMatchObject({ held: 60, settled: 60 });
  expect(await ledger.admit(makeRequest(org, { idempotency }))).toMatchObject({ reason: "idempotency_in_progress" });
  const records = [open, noted, waiting, drained].map((hold) => makeRecord(org, hold));
  const other = [makeRecord(neighbour.org, open)];
  const [mine, theirs] = await ledger.settleAll([
    { org, records },
    { org: neighbour.org, records: other },
  ]);
  expect(mine).toMatchObject({
    value: [{ result: "settled" }, { result: "settled" }, { result: "repeated" }, { result: "repeated" }],
  });
  expect(theirs).toMatchObject({ value: [{ result: "unknown" }] });
  expect(await neighbour.ledger.inspect(neighbour.org)).toMatchObject({ openHolds: [{}] });
  await ledger.publish(keyRecord(org, 1, { version: 2 }));
  clock.advance(1_000);
  for (const name of names(org)) await runDurableObjectAlarm(openObject(name));
  const bill = (await usageInD1(org)).map(({ id }) => id);
  expect(bill.toSorted()).toEqual([open, noted, waiting, drained].toSorted());
  expect(await ledger.inspect(org)).toMatchObject({ outboxRows: 0, openHolds: [] });
}

describe("a move", () => {
  test("takes an org to its own object with all that was held and billed; once more it does nothing", async () => {
    const busy = await openBusy();
    await mover.move(busy.org);
    await mover.move(busy.org);
    await busy.restartAll();
    await expectArrived(busy);
  });

  test("while it is under way calls are refused and lose nothing; agents send again", async () => {
    const busy = await openBusy();
    const { ledger, org, open } = busy;
    await expect(openLedgerMover(breaking(3, "before")).move(org)).rejects.toThrow("crash");
    for (const call of [
      () => ledger.admit(makeRequest(org)),
      () => ledger.introspect(makeRequest(org)),
      () => ledger.settle(org, [makeRecord(org, open)]),
      () => ledger.release(org, open),
      () => ledger.publish(orgRecord(org, {}, 7)),
      () => ledger.inspect(org),
      () => mover.erase(org),
    ])
      await expect(call()).rejects.toThrow("being moved");
    // Its deadlines wait with it.
    busy.clock.advance(10);
    await runDurableObjectAlarm(openObject(names(org)[0]!));
    busy.clock.advance(-10);
    await mover.move(org);
    await expectArrived({ ...busy, before: { ...busy.before!, outboxRows: 0 } });
  });

  // Five calls make a move: the arrival begins, the shard freezes, lists, the own object takes, the shard forwards.
  test.each([1, 2, 3, 4, 5].flatMap((at) => [[at, "before"] as const, [at, "after"] as const]))(
    "that breaks at step %i, %s it is done, leaves one authority at most, and goes on when it is repeated",
    async (at, when) => {
      const busy = await openBusy();
      const { org } = busy;
      await expect(openLedgerMover(breaking(at, when)).move(org)).rejects.toThrow("crash");
      await busy.restartAll();
      expect(await countAuthorities(org)).toBeLessThanOrEqual(1);
      await mover.move(org);
      await busy.restartAll();
      await expectArrived(busy);
    },
  );

  test("of an org that is in its own object already does nothing, whatever its first character", async () => {
    const own = await openWith({ tokensPerDay: 900 });
    await mover.move(own.org);
    expect(await own.ledger.inspect(own.org)).toMatchObject({ org: own.org });
  });

  test("of an org that the shard has never known leads to the object that is older than shards", async () => {
    const { org, clock } = await openShard(Date.UTC(2032, 1, 1));
    const old = openObject(locateOwn(org).name);
    await old.publish(orgRecord(org, { tokensPerDay: 77 }));
    await restartObject(locateOwn(org).name, clock);
    const ledger = durableObjectLedger(LEDGERS, 60_000);
    expect(await ledger.inspect(org)).toBeNull();
    await mover.move(org);
    expect(await ledger.inspect(org)).toMatchObject({ org });
    await mover.move(org);
  });

  test("is refused where both objects have a ledger that did not move, and leaves both as they are", async () => {
    const { org, ledger } = await openWith({}, openShard);
    await openObject(locateOwn(org).name).publish(orgRecord(org, {}));
    await expect(mover.move(org)).rejects.toThrow("two ledgers");
    granted(await ledger.admit(makeRequest(org)));
  });
});

describe("one org's rows", () => {
  const list = async (org: OrgId) => {
    const parts = [];
    for await (const part of mover.list(org)) parts.push(part);
    return parts;
  };

  test("are listed, here and where it has moved; none of a neighbour's", async () => {
    const busy = await openBusy();
    for (const step of [async () => undefined, () => mover.move(busy.org)]) {
      await step();
      const [part, ...others] = await list(busy.org);
      expect(others).toEqual([]);
      expect(part?.holds.map(({ id }) => id).toSorted()).toEqual(
        [busy.drained, busy.noted, busy.open, busy.waiting].toSorted(),
      );
      expect(part?.rest?.records).toHaveLength(3);
      expect(JSON.stringify(part)).not.toContain(busy.neighbour.org.slice(4));
    }
  });

  test("are erased, once no call runs and the bill is in D1; the neighbour's stay", async () => {
    const busy = await openBusy();
    const { org, ledger, open, noted, neighbour } = busy;
    const beside = await neighbour.ledger.inspect(neighbour.org);
    await expect(mover.erase(org)).rejects.toThrow("2 calls run and 1 lines of the bill wait");
    await ledger.settle(
      org,
      [open, noted].map((hold) => makeRecord(org, hold)),
    );
    await runDurableObjectAlarm(openObject(names(org)[0]!));
    await mover.erase(org);
    await restartObject(names(org)[0]!, busy.clock);
    expect(await list(org)).toEqual([
      { holds: [], rest: { records: [], left_keys: [], snapshots: [], drained: expect.any(Number) as number } },
    ]);
    expect(await ledger.inspect(org)).toBeNull();
    expect(await neighbour.ledger.inspect(neighbour.org)).toEqual(beside);
    // Numbers go on: what its neighbour does next is not taken for what was erased.
    const next = granted(await neighbour.ledger.admit(makeRequest(neighbour.org)));
    await neighbour.ledger.settle(neighbour.org, [makeRecord(neighbour.org, next.hold)]);
    const after = await neighbour.ledger.inspect(neighbour.org);
    await restartObject(names(org)[0]!, busy.clock);
    expect(await neighbour.ledger.inspect(neighbour.org)).toEqual(after);
    expect(after?.outboxRows).toBe(1);
  });

  test("are erased where it has moved, and the shard forgets where that was", async () => {
    const busy = await openBusy();
    const { org } = busy;
    await mover.move(org);
    await expectArrived(busy);
    await mover.erase(org);
    expect(await durableObjectLedger(LEDGERS, 60_000).inspect(org)).toBeNull();
    expect(await openObject(names(org)[0]!).inspect(org)).toBeNull();
  });
});
