import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commitAudited, type AuditWriter } from "#edge/control/audit/commit.ts";
import { auditStart, hashEntry } from "#edge/control/audit/entry.ts";
import { selectChain, type AuditRow } from "#edge/control/audit/queries.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const actor = { kind: "house", id: "test", name: "test", ip: null } as const;
const writer = (): AuditWriter => ({
  db: world.db,
  actor,
  visit: { id: "req_0000000000000000000000", now: Date.now, random: generateRandomBytes },
});
const rename = (name: string, org = world.a.org) => ({
  org,
  action: "org.changed",
  target: org,
  before: null,
  after: { name },
  change: world.db.prepare("UPDATE orgs SET name = ? WHERE id = ? RETURNING *").bind(name, org),
});

/** Reckons an org's chain again; the number of the first entry that does not fit, or null. */
function findBreak(rows: AuditRow[]): number | null {
  let prev = auditStart;
  for (const [at, row] of rows.entries()) {
    const { org, seq, action, target, before, after, request } = row;
    const by = { kind: row.actor_kind, id: row.actor, name: row.actor_name, ip: row.actor_ip };
    const hash = hashEntry({ org, seq, atMs: row.at_ms, actor: by, action, target, before, after, request, prev });
    if (seq !== at + 1 || row.prev !== prev || row.hash !== hash) return seq;
    prev = row.hash;
  }
  return null;
}
const readChain = (org: string) => selectChain(world.db, org, 0, 1_000);

describe("a change and its entry (S13)", () => {
  it("are one: what did not take place leaves none, and neither does what broke", async () => {
    const before = await readChain(world.a.org);
    expect(
      await commitAudited(writer(), {
        ...rename("x"),
        change: world.db.prepare("UPDATE orgs SET name = 'x' WHERE id = 'none' RETURNING *"),
      }),
    ).toEqual([]);
    const broken = {
      ...rename("broken"),
      also: () => [world.db.prepare("INSERT INTO members VALUES (NULL, 1, 1, 1, 1)")],
    };
    await expect(commitAudited(writer(), broken)).rejects.toThrow(/NOT NULL/);
    expect(await readChain(world.a.org)).toEqual(before);
    expect(await world.select("SELECT name FROM orgs WHERE name IN ('x', 'broken')")).toEqual([]);
    const events = await world.select("SELECT * FROM events WHERE org = ?", world.a.org);
    const event = { type: "webhook.test", body: { webhook: "wh_0000000000000000000000" } } as const;
    await commitAudited(writer(), { ...rename("told"), event });
    expect(await readChain(world.a.org)).toHaveLength(before.length + 1);
    const told = (await world.select("SELECT * FROM events WHERE org = ?", world.a.org)).slice(events.length);
    expect(told).toMatchObject([{ type: event.type, body: JSON.stringify(event.body) }]);
  });

  it("are in the order of their times, though clocks are not", async () => {
    const late = { ...writer().visit, now: () => Date.now() + 60_000 };
    await commitAudited({ ...writer(), visit: late }, rename("ahead"));
    await commitAudited(writer(), rename("behind"));
    const [ahead, behind] = (await readChain(world.a.org)).slice(-2);
    expect(behind?.at_ms).toBe(ahead?.at_ms);
  });

  it("are all there, chained without a gap, when thirty come at once", async () => {
    const before = await readChain(world.b.org);
    const names = Array.from({ length: 30 }, (_, at) => `name ${at}`);
    await Promise.all(names.map((name) => commitAudited(writer(), rename(name, world.b.org))));
    const rows = await readChain(world.b.org);
    const said = rows.slice(before.length).map(({ after }) => JSON.parse(after ?? "").name);
    expect(said.sort()).toEqual(names.sort());
    expect(findBreak(rows)).toBeNull();
  });

  it("cannot be changed or taken out by SQL, and a copy that was shows where", async () => {
    await expect(world.select("UPDATE audit SET action = 'x'")).rejects.toThrow(/do not change/);
    await expect(world.select("DELETE FROM audit")).rejects.toThrow(/not deleted/);
    const rows = await readChain(world.b.org);
    expect(findBreak(rows.map((row) => (row.seq === 7 ? { ...row, after: '{"name":"other"}' } : row)))).toBe(7);
    expect(findBreak(rows.filter(({ seq }) => seq !== 5))).toBe(6);
  });
});

it("tells of every change by the API: who, from where, what it was and has become, and no secret", async () => {
  const { org, admin, adminId } = world.a;
  const ask = (method: string, path: string, body?: object) =>
    world.ask(method, `/control/orgs/${org}${path}`, {
      key: admin,
      body,
      headers: { "cf-connecting-ip": "203.0.113.9" },
    });
  const made = (await ask("POST", "/keys", { name: "first" })).body;
  await ask("PATCH", `/keys/${made.id}`, { name: "second", limits: { concurrency: 3 } });
  const next = (await ask("POST", `/keys/${made.id}/rotate`, { overlapSeconds: 60 })).body;
  await ask("POST", `/keys/${next.id}/revoke`);
  await ask("PATCH", "", { name: "Renamed" });
  const entries = (await ask("GET", "/audit?limit=6")).body.entries.toReversed();
  expect(entries.map((entry: { action: string }) => entry.action)).toEqual([
    "key.created",
    "key.changed",
    "key.created",
    "key.rotated",
    "key.revoked",
    "org.changed",
  ]);
  expect(entries[1]).toMatchObject({
    actor: { kind: "key", id: adminId, name: "admin", ip: "203.0.113.9" },
    target: made.id,
    before: { name: "first", limits: null },
    after: { name: "second", limits: { concurrency: 3 } },
  });
  const all =
    JSON.stringify(await world.select("SELECT * FROM audit")) +
    JSON.stringify(await world.select("SELECT * FROM events"));
  for (const secret of [made.secret, next.secret, admin]) expect(all).not.toContain(secret);
  const digests = await world.select("SELECT digest FROM keys");
  for (const { digest } of digests) if (digest) expect(all).not.toContain(digest);
});
