import { expect, test } from "vitest";
import { auditStart, hashEntry } from "#edge/control/audit/entry.ts";
import { verifyChain } from "#edge/portal/model/audit-chain.ts";
import { OrgId } from "#edge/agreements/tokens/ids.ts";

/** An export as the gateway writes it: entries hashed by the gateway's own function. */
function writeLog(count: number): string[] {
  const org = OrgId.parse("org_0000000000");
  let prev = auditStart;
  return Array.from({ length: count }, (_, at) => {
    const actor = { kind: "key" as const, id: "key_1", name: "Ünïcode “name”", ip: at === 0 ? null : "203.0.113.7" };
    const said = { org, seq: at + 1, atMs: 1_000 + at, actor, action: "key.created", target: "key_2" };
    const rest = { before: null, after: '{"name":"a"}', request: `req_${at}`, prev };
    const hash = hashEntry({ ...said, ...rest });
    const { atMs: at_ms, actor: _actor, ...named } = said;
    const row = { ...named, at_ms, actor_kind: "key", actor: actor.id, actor_name: actor.name, actor_ip: actor.ip };
    prev = hash;
    return JSON.stringify({ ...row, ...rest, hash });
  });
}

test("a log as the gateway exports it is whole; an empty one is, too", async () => {
  expect(await verifyChain(`${writeLog(5).join("\n")}\n`)).toEqual({ isWhole: true, entries: 5 });
  expect(await verifyChain("")).toEqual({ isWhole: true, entries: 0 });
});

test("a changed, a missing and a moved entry break it where they stand", async () => {
  const lines = writeLog(5);
  const changed = lines.with(2, (lines[2] ?? "").replace("key.created", "key.revoked"));
  expect(await verifyChain(changed.join("\n"))).toEqual({ isWhole: false, brokenAt: 3 });
  expect(await verifyChain(lines.toSpliced(1, 1).join("\n"))).toEqual({ isWhole: false, brokenAt: 2 });
  expect(await verifyChain(lines.toReversed().join("\n"))).toEqual({ isWhole: false, brokenAt: 1 });
});
