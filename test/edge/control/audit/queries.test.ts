import { afterAll, beforeAll, expect, it } from "vitest";
import { findAuditHead, selectAudit, selectChain } from "#edge/control/audit/queries.ts";
import type { Database } from "#edge/control/http/store.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("knows where a log ends, and that there is none", async () => {
  const rows = await selectChain(world.db, world.a.org, 0, 100);
  const last = rows.at(-1);
  expect(await findAuditHead(world.db, world.a.org)).toEqual({ seq: rows.length, hash: last?.hash, atMs: last?.at_ms });
  expect(await findAuditHead(world.db, "org_0000000000")).toBeNull();
});

it("lists by an index whatever is filtered, without sorting", async () => {
  const asked: string[] = [];
  const batch = () => expect.unreachable("reads only");
  const spy: Database = { prepare: (sql) => (asked.push(sql), world.db.prepare(sql)), batch };
  const since = "COVERING INDEX audit_by_time (org=? AND at_ms>?)";
  const searches = [
    [{}, "PRIMARY KEY (org=? AND seq<?)"],
    [{ actor: "x" }, "INDEX audit_by_actor (org=? AND actor=? AND seq<?)"],
    [{ action: "x" }, "INDEX audit_by_action (org=? AND action=? AND seq<?)"],
    [{ target: "x" }, "INDEX audit_by_target (org=? AND target=? AND seq<?)"],
    [{ actor: "x", target: "x" }, "INDEX audit_by_target (org=? AND target=? AND seq<?)"],
    [{ fromMs: 1, toMs: 2 }, "PRIMARY KEY (org=? AND seq>? AND seq<?)", since, since],
    [{ action: "x", fromMs: 1 }, "INDEX audit_by_action (org=? AND action=? AND seq>? AND seq<?)", since],
  ] as const;
  for (const [filter, ...found] of searches) {
    await selectAudit(spy, { org: world.a.org, ...filter }, 9, 1);
    const sql = asked.at(-1) ?? "";
    const count = sql.split("?").length - 1;
    const plan = await world.select(`EXPLAIN QUERY PLAN ${sql}`, ...Array.from({ length: count }, () => 1));
    const details = plan.map(({ detail }) => detail).filter((detail) => !detail.startsWith("SCALAR SUBQUERY"));
    expect(details).toEqual(found.map((search) => `SEARCH audit USING ${search}`));
  }
});
