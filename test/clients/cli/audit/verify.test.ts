import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readHeadKey, verifyLog } from "#clients/cli/audit/verify.ts";
import { runCommand } from "#clients/cli/run.ts";
import { auditStart, hashEntry } from "#edge/control/audit/entry.ts";

/** A log as the edge writes and exports it. */
function createLog(count: number, org = "org_0123456789") {
  const rows: Record<string, unknown>[] = [];
  let prev = auditStart;
  for (let seq = 1; seq <= count; seq++) {
    const actor = { kind: "member", id: "user_x", name: "Ädá 😀", ip: seq % 2 ? null : "203.0.113.9" } as const;
    const what = {
      action: "key.revoked",
      target: "key_x",
      before: null,
      after: '{"a":"\\u00e9\\n"}',
      request: "req_x",
    };
    const hash = hashEntry({ org, seq, atMs: 1_000 + seq, actor, ...what, prev });
    const { kind: actor_kind, id, name: actor_name, ip: actor_ip } = actor;
    rows.push({ org, seq, at_ms: 1_000 + seq, actor_kind, actor: id, actor_name, actor_ip, ...what, prev, hash });
    prev = hash;
  }
  return rows;
}

const write = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const check = (rows: unknown[]) => verifyLog(write(rows), null);

describe("a log", () => {
  test("is whole as it was written", () => {
    const rows = createLog(5);
    expect(check(rows)).toEqual({
      isWhole: true,
      text: `The 5 entries of org_0123456789 are whole: ${rows.at(-1)?.["hash"]}.`,
    });
  });

  test("breaks where an entry was changed, whichever field it was (S13)", () => {
    const fields = Object.keys(createLog(1)[0] ?? {});
    expect(fields.length).toBe(14);
    for (const field of fields)
      for (const value of ["changed", null, 7]) {
        const rows = createLog(5);
        if (rows[2]?.[field] === value) continue;
        rows[2] = { ...rows[2], [field]: value };
        const { isWhole, text } = check(rows);
        expect([field, isWhole, text.startsWith("the chain breaks at line 3: ")]).toEqual([field, false, true]);
      }
  });

  test("breaks where entries are missing, doubled, moved or another org's (S13)", () => {
    const [one, two, three, four] = createLog(4);
    for (const [line, rows] of [
      [1, [two, three, four]],
      [2, [one, three, four]],
      [3, [one, two, two, three]],
      [2, [one, three, two, four]],
      [2, [one, createLog(2, "org_abcdefghij")[1]]],
    ] as const)
      expect(check([...rows]).text).toContain(`at line ${line}: `);
    expect(verifyLog(`${write([one])}nonsense\n`, null).text).toContain("at line 2: it is not JSON");
    expect(verifyLog("", null).isWhole).toBe(false);
  });
});

describe("a signed head", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = readHeadKey(JSON.stringify(publicKey.export({ format: "jwk" })));
  const createHead = (row: Record<string, unknown> | undefined, signer = privateKey) => {
    const head = { org: row?.["org"], seq: row?.["seq"], hash: row?.["hash"], at_ms: 9_000 };
    const text = JSON.stringify(["penstock audit head", head.org, head.seq, head.hash, head.at_ms]);
    return { head: { ...head, kid: "k1", signature: sign(null, Buffer.from(text), signer).toString("base64url") } };
  };

  test("proves that the end was not cut off or written anew", () => {
    const rows = createLog(4);
    const head = createHead(rows[2]);
    expect(verifyLog(write([...rows, head]), key)).toMatchObject({ isWhole: true });
    expect(verifyLog(write([...rows, head]), key).text).toContain("Signed up to entry 3.");
    expect(verifyLog(write([...rows.slice(0, 2), head]), key).text).toContain("it ends at entry 2, and 3 was signed");
    const others = createLog(4).map((row) => ({ ...row }));
    const forged = createLog(3, "org_0123456789");
    expect(forged).toEqual(others.slice(0, 3));
    const anew = { ...head.head, hash: "f".repeat(64) };
    expect(verifyLog(write([...rows, { head: anew }]), key).text).toContain("not signed by this key");
  });

  test("is none by another key, of another entry, or when there is none at all", () => {
    const rows = createLog(4);
    const other = generateKeyPairSync("ed25519").privateKey;
    expect(verifyLog(write([...rows, createHead(rows[1], other)]), key).text).toContain("not signed by this key");
    const wrong = createHead({ ...rows[1], hash: rows[2]?.["hash"] });
    expect(verifyLog(write([...rows, wrong]), key).text).toContain("entry 2 is not the one that was signed");
    expect(verifyLog(write(rows), key)).toEqual({ isWhole: false, text: "there is no signed head in it." });
    expect(readHeadKey("{}")).toBeNull();
    expect(readHeadKey('{"kty":"EC"}')).toBeNull();
  });

  test("is checked by the command, whose exit code says what it found", async () => {
    const folder = mkdtempSync(join(tmpdir(), "penstock-audit-"));
    const rows = createLog(3);
    writeFileSync(join(folder, "good.jsonl"), write([...rows, createHead(rows[2])]));
    writeFileSync(join(folder, "bad.jsonl"), write([rows[0], rows[2]]));
    writeFileSync(join(folder, "key.json"), JSON.stringify(publicKey.export({ format: "jwk" })));
    const run = async (...words: string[]) => {
      const out: string[] = [];
      const print = (text: string) => void out.push(text);
      const terminal = { env: {}, folder, print, complain: print, nowMs: () => 0 };
      return [await runCommand(["audit", "verify", ...words], terminal), out.join("\n")];
    };
    expect(await run("good.jsonl", "--public-key", "key.json")).toEqual([0, expect.stringContaining("whole")]);
    expect(await run("bad.jsonl")).toEqual([1, expect.stringContaining("at line 2: entry 2 should be here, not 3")]);
    expect(await run("missing.jsonl")).toEqual([2, expect.stringContaining("cannot read")]);
    expect(await run("good.jsonl", "--public-key", "bad.jsonl")).toEqual([2, expect.stringContaining("no Ed25519")]);
    expect((await run())[0]).toBe(2);
  });
});
