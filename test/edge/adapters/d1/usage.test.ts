import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, expect, test, vi } from "vitest";
import { usageColumnNames, usageColumns } from "#edge/agreements/records/usage-columns.ts";
import type { UsageRow } from "#edge/ledger/port.ts";
import type { OrgLedger } from "#edge/adapters/durable-object/ledger/ledger-object.ts";
import { writeUsage } from "#edge/adapters/d1/usage.ts";
import { makeRequest, granted, keyId, makeRecord, noon } from "#test/contracts/ledger/ledger-fixtures.ts";
import {
  readAlarm,
  DB,
  insides,
  migrate,
  openWith,
  openStub,
  usageInD1,
} from "#test/edge/adapters/durable-object/ledger/ledger-world.ts";

beforeAll(migrate);

test("while D1 fails no row is lost and the object retries, later each time; then each row arrives once", async () => {
  const { ledger, org, clock } = await openWith();
  const answers = await Promise.all(Array.from({ length: 1_200 }, () => ledger.admit(makeRequest(org))));
  const holds = answers.map((answer) => granted(answer).hold);
  for (let i = 0; i < holds.length; i += 64)
    await ledger.settle(
      org,
      holds.slice(i, i + 64).map((hold) => makeRecord(org, hold)),
    );
  await insides(
    org,
    (object) =>
      void (object.env = {
        DB: {
          prepare: () => {
            throw new Error("D1 is down");
          },
        } as unknown as D1Database,
      }),
  );
  const waits = [];
  for (let i = 0; i < 7; i++) {
    await runDurableObjectAlarm(openStub(org));
    waits.push(((await readAlarm(org)) ?? 0) - clock.now());
  }
  expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect((await ledger.inspect(org))?.outboxRows).toBe(1_200);
  await insides(org, (object) => void (object.env = { DB }));
  await runDurableObjectAlarm(openStub(org));
  const rows = await usageInD1(org);
  expect(new Set(rows.map(({ hold }) => hold))).toEqual(new Set(holds));
  expect(rows).toHaveLength(1_200);
  expect((await ledger.inspect(org))?.outboxRows).toBe(0);
});

test.each([undefined, "<html>", {}, { success: false }])(
  "what D1 says to rows is read: %j does not mean that it has them",
  async (answer) => {
    const { ledger, org } = await openWith();
    const { hold } = granted(await ledger.admit(makeRequest(org)));
    await ledger.settle(org, [makeRecord(org, hold)]);
    await insides(
      org,
      (object) =>
        void (object.env = {
          DB: { prepare: () => ({ bind: () => ({ run: async () => answer }) }) } as unknown as D1Database,
        }),
    );
    await runDurableObjectAlarm(openStub(org));
    expect((await ledger.inspect(org))?.outboxRows).toBe(1);
  },
);

test("after a crash between D1's commit and its answer the rows go again, and the bill has them once", async () => {
  const { ledger, org, restart } = await openWith();
  const { hold } = granted(await ledger.admit(makeRequest(org)));
  await ledger.settle(org, [makeRecord(org, hold)]);
  await insides(org, async (object) => {
    const { DB: real } = object.env;
    object.env = {
      DB: {
        prepare: (sql: string) => ({
          bind: (rows: string) => ({
            run: async () => {
              await real.prepare(sql).bind(rows).run();
              throw new Error("lost");
            },
          }),
        }),
      } as unknown as D1Database,
    };
    await (object as unknown as OrgLedger).alarm();
  });
  expect(await usageInD1(org)).toHaveLength(1);
  await restart();
  expect((await ledger.inspect(org))?.outboxRows).toBe(1);
  await runDurableObjectAlarm(openStub(org));
  await runDurableObjectAlarm(openStub(org));
  expect(await usageInD1(org)).toHaveLength(1);
  expect((await ledger.inspect(org))?.outboxRows).toBe(0);
});

test("a row that D1 refuses stops the outbox and is kept: it is never passed over", async () => {
  const { ledger, org } = await openWith();
  const { hold } = granted(await ledger.admit(makeRequest(org)));
  await ledger.settle(org, [makeRecord(org, hold)]);
  await DB.exec(
    `CREATE TRIGGER refusing BEFORE INSERT ON usage WHEN new.hold = '${hold}' BEGIN SELECT RAISE(ABORT, 'no'); END`,
  );
  await runDurableObjectAlarm(openStub(org));
  expect((await ledger.inspect(org))?.outboxRows).toBe(1);
  await DB.exec("DROP TRIGGER refusing");
  await runDurableObjectAlarm(openStub(org));
  expect(await usageInD1(org)).toHaveLength(1);
});

test("a D1 that misses its time has failed; an empty batch is not sent, and no timer is left behind", async () => {
  const d1 = (run: () => Promise<unknown>) => ({ prepare: () => ({ bind: () => ({ run }) }) }) as unknown as D1Database;
  const asked = vi.fn<() => Promise<{ success: boolean }>>(async () => ({ success: true }));
  await expect(
    writeUsage(
      d1(() => new Promise(() => undefined)),
      [{} as UsageRow],
      20,
    ),
  ).rejects.toThrow("usage: no answer within 20 ms");
  await writeUsage(d1(asked), [], 20);
  expect(asked).not.toHaveBeenCalled();
  vi.useFakeTimers();
  try {
    await writeUsage(d1(asked), [{} as UsageRow], 20);
    expect([asked.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  } finally {
    vi.useRealTimers();
  }
});

test("a row that waited while the Worker was updated has no units, and is written with none", async () => {
  const { org } = await openWith();
  const names = usageColumnNames.filter((name) => name !== "units");
  const old = Object.fromEntries(names.map((name) => [name, usageColumns[name].holds.endsWith("ext") ? name : 7]));
  await writeUsage(DB, [{ ...old, org, id: "hold_old" } as unknown as UsageRow], 1_000);
  expect(await usageInD1(org)).toMatchObject([{ id: "hold_old", promptTokens: 7, units: 0 }]);
});

/** A row of the control plane's for the key of an org, and what it says of its last use. */
async function openKeyRow() {
  const { org, ledger, clock } = await openWith();
  const key = keyId(org, 1);
  await DB.prepare("INSERT INTO orgs (id, name, plan, limits, created_at_ms) VALUES (?, 'o', 'standard', '{}', 0)")
    .bind(org)
    .run();
  const insert = `INSERT INTO keys (id, org, kind, name, hint, digest, pepper_kid, created_at_ms)
    VALUES (?, ?, 'inference', 'k', 'h', 'd', 'p1', 0)`;
  await DB.prepare(insert).bind(key, org).run();
  const select = DB.prepare("SELECT last_used_at_ms AS ms, version FROM keys WHERE id = ?").bind(key);
  const read = async () => (await select.first<{ ms: number | null; version: number }>())?.ms;
  return { org, key, ledger, clock, read, select };
}

test("what D1 is told says when a key was last used, to the minute, and changes nothing else of it", async () => {
  const { org, ledger, clock, read, select } = await openKeyRow();
  expect(await read()).toBeNull();
  clock.advance(90_500);
  const { hold } = granted(await ledger.admit(makeRequest(org)));
  clock.advance(3_600_000);
  expect(await ledger.settle(org, [makeRecord(org, hold)])).toMatchObject([{ result: "adjusted" }]);
  await runDurableObjectAlarm(openStub(org));
  expect(await usageInD1(org)).toHaveLength(2);
  expect(await select.first()).toEqual({ ms: noon + 60_000, version: 1 });
});

test("rows that come again or late never move a key's last use back; one that never was is nobody's", async () => {
  const { org, key, read } = await openKeyRow();
  const row = (id: string, admittedAtMs: number, of = key) => {
    const names = Object.fromEntries(
      usageColumnNames.map((name) => [name, usageColumns[name].holds.endsWith("ext") ? name : 0]),
    );
    return { ...names, id: `${id}${org}`, org, key: of, admittedAtMs } as unknown as UsageRow;
  };
  const minutes = (n: number) => noon + n * 60_000;
  const batch = [row("b", minutes(5) + 7), row("a", minutes(3)), row("c", minutes(9), keyId(org, 2))];
  for (let i = 0; i < 2; i++) {
    await writeUsage(DB, batch, 1_000);
    expect(await read()).toBe(minutes(5));
  }
  await writeUsage(DB, [row("late", minutes(4) + 59_999)], 1_000);
  expect(await read()).toBe(minutes(5));
  // Rows that are known fire nothing, even where they would have moved it.
  await DB.prepare("UPDATE keys SET last_used_at_ms = NULL WHERE id = ?").bind(key).run();
  await writeUsage(DB, batch, 1_000);
  expect(await read()).toBeNull();
  await writeUsage(DB, [row("new", minutes(7) + 1)], 1_000);
  expect(await read()).toBe(minutes(7));
});
