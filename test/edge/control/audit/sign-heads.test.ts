import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { signHeads, writeHead, type HeadSigner } from "#edge/control/audit/sign-heads.ts";
import { verifyLog } from "#clients/cli/audit/verify.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const signer: HeadSigner = {
  kid: "a1",
  sign: async (text) => sign(null, Buffer.from(text), privateKey).toString("base64url"),
};
const day = Date.parse("2026-01-31T00:00:00Z");
const at = (hour: number, minute = 7) => day + hour * 3_600_000 + minute * 60_000;
const heads = (org: string) => world.select("SELECT * FROM audit_heads WHERE org = ? ORDER BY seq", org);
const rename = () => world.ask("PATCH", `/control/orgs/${world.a.org}`, { body: { name: "y" } });

it("signs each log that has grown once a day, and its export proves it (S13)", async () => {
  await signHeads(world.db, signer, at(1, 8));
  expect(await heads(world.a.org)).toEqual([]);
  await signHeads(world.db, signer, at(1));
  const [first] = await heads(world.a.org);
  expect(first).toMatchObject({ kid: "a1", at_ms: at(1) });
  expect((await heads(world.b.org)).length).toBe(1);
  await rename();
  await signHeads(world.db, signer, at(23));
  expect((await heads(world.a.org)).length).toBe(1);
  await signHeads(world.db, signer, at(24));
  await signHeads(world.db, signer, at(48));
  expect((await heads(world.a.org)).map(({ at_ms }) => at_ms)).toEqual([at(1), at(24)]);
  expect((await heads(world.b.org)).length).toBe(1);

  const exported = await world.ask("GET", `/control/orgs/${world.a.org}/audit/export`, { key: world.a.admin });
  expect(verifyLog(exported.text, publicKey)).toMatchObject({ isWhole: true });
  const lines = exported.text.trimEnd().split("\n");
  const signed = lines.filter((line) => line.startsWith('{"head"'));
  expect(signed.length).toBe(2);
  const cut = [...lines.slice(0, 2), ...signed].join("\n");
  expect(verifyLog(cut, publicKey).text).toContain("was cut");
  const other = generateKeyPairSync("ed25519").publicKey;
  expect(verifyLog(exported.text, other).isWhole).toBe(false);
});

it("keeps what was signed", async () => {
  await expect(world.select("UPDATE audit_heads SET hash = 'x'")).rejects.toThrow("do not change");
  await expect(world.select("DELETE FROM audit_heads")).rejects.toThrow("not deleted");
});

it("signs what names the org, the entry, its hash and the moment", () => {
  const text = writeHead({ org: "org_0123456789", seq: 3, hash: "ab", at_ms: 9 });
  expect(text).toBe('["penstock audit head","org_0123456789",3,"ab",9]');
});

it("looks for heads by indexes: one row of each log, not all", async () => {
  const plan = await world.select(
    `EXPLAIN QUERY PLAN SELECT o.id, a.seq FROM orgs AS o
     JOIN audit AS a ON a.org = o.id AND a.seq = (SELECT seq FROM audit WHERE org = o.id ORDER BY seq DESC LIMIT 1)
     WHERE o.id > ? ORDER BY o.id LIMIT 9`,
    "",
  );
  const details = plan.map(({ detail }) => String(detail));
  expect(details.filter((detail) => detail.startsWith("SCAN"))).toEqual([]);
});
