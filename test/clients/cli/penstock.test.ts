import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { insertUsage, bootstrapToken, openWorld, type World } from "#test/edge/control/http/world.ts";

const program = join(import.meta.dirname, "../../../clients/cli/penstock.js");
const elsewhere = mkdtempSync(join(tmpdir(), "penstock-cli-"));

let world: World;
let server: Server;
let edge: string;

beforeAll(async () => {
  world = await openWorld();
  server = createServer(async (incoming, outgoing) => {
    const answer = await world.app.fetch(await toRequest(incoming));
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  edge = await listen(server);
});
afterAll(async () => {
  server.close();
  await world.close();
});

interface Ran {
  code: number;
  out: string;
  err: string;
}

function run(words: string[], env: Record<string, string> = {}, cwd = elsewhere): Promise<Ran> {
  const settings = { PENSTOCK_EDGE: edge, PENSTOCK_ADMIN_KEY: world.operator.key, ...env };
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== ""));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...words],
      { cwd, env: { PATH: process.env["PATH"] ?? "", ...given } },
      (failure, out, err) => {
        for (const text of [out, err]) expect(text).not.toContain(world.operator.key);
        resolve({ code: failure ? Number(failure.code) : 0, out, err });
      },
    );
  });
}

const json = async (words: string[]) => JSON.parse((await run([...words, "--json"])).out);

describe("orgs", () => {
  it("creates, lists, shows and sets", async () => {
    const made = await run([
      "orgs",
      "create",
      "From the terminal",
      "--plan",
      "professional",
      "--limit",
      "tokensPerDay=none",
    ]);
    expect([made.code, made.err]).toEqual([0, ""]);
    expect(made.out).toMatch(/^id\s+org_\w{10}$/m);
    expect(made.out).toMatch(/^tokensPerDay\s+-$/m);
    const listed = await run(["orgs", "list"]);
    expect(listed.out).toContain("From the terminal");
    const { orgs } = await json(["orgs", "list", "--rows", "1"]);
    expect(orgs).toHaveLength(1);
    const set = await json(["orgs", "set", world.b.org, "--limit", "requestsPerMinute=7", "--suspend"]);
    expect(set).toMatchObject({ isSuspended: true, limits: { requestsPerMinute: 7 } });
    expect((await json(["orgs", "set", world.b.org, "--resume"])).isSuspended).toBe(false);
    expect((await run(["orgs", "show", world.b.org])).out).toMatch(/^requestsPerMinute\s+7$/m);
    expect((await run(["orgs", "list", "--rows", "1"])).out).toMatch(/There is more: --cursor \d+\.org_/);
  });
});

describe("keys", () => {
  it("creates with scopes, shows the key once, lists, rotates and revokes", async () => {
    const words = [
      "keys",
      "create",
      world.a.org,
      "--name",
      "cli",
      "--endpoint",
      "models",
      "--model",
      "default",
      "--cidr",
      "203.0.113.0/24",
      "--expires",
      "30d",
      "--limit",
      "concurrency=2",
    ];
    const made = await run(words);
    expect([made.code, made.err]).toEqual([0, ""]);
    const [secret = ""] = made.out.match(/^sk-pen-[0-9A-Za-z-]+$/m) ?? [];
    expect(made.out).toContain("not shown again");
    const [id = ""] = made.out.match(/key_\w{16}/) ?? [];
    expect(world.publisher.key(id)).toMatchObject({
      endpoints: ["models"],
      models: ["qwen-chat"],
      limits: { concurrency: 2 },
    });
    const listed = await run(["keys", "list", world.a.org]);
    expect(listed.out).toContain(id);
    expect(listed.out).not.toContain(secret);
    const rotated = await json(["keys", "rotate", id, "--overlap", "1h"]);
    expect(Date.parse(rotated.replaced.expiresAt) - Date.parse(rotated.createdAt)).toBe(3_600_000);
    const again = await run(["keys", "rotate", rotated.id, "--overlap", "0"]);
    expect(again.out).toContain(`The old key ${rotated.id} was revoked at`);
    const revoked = await run(["keys", "revoke", id]);
    expect(revoked.out).toMatch(/^state\s+revoked$/m);
    expect(world.publisher.key(id).isRevoked).toBe(true);
  });

  it("opens a deployment with the bootstrap token", async () => {
    const closed = await run(["bootstrap"], { PENSTOCK_BOOTSTRAP_TOKEN: bootstrapToken });
    expect([closed.code, closed.err]).toEqual([1, "penstock: There is an operator key already. (409 conflict)\n"]);
    expect((await run(["bootstrap"])).err).toBe("penstock: no token: set PENSTOCK_BOOTSTRAP_TOKEN or give --token.\n");
    const fresh = await openWorld();
    await fresh.db.prepare("UPDATE keys SET revoked_at_ms = 1").bind().run();
    const own = createServer(async (incoming, outgoing) =>
      outgoing.end(await (await fresh.app.fetch(await toRequest(incoming))).text()),
    );
    const opened = await run(["bootstrap"], {
      PENSTOCK_EDGE: await listen(own),
      PENSTOCK_BOOTSTRAP_TOKEN: bootstrapToken,
    });
    own.close();
    await fresh.close();
    expect(opened.out).toMatch(/^sk-pen-admin-[0-9A-Za-z-]+$/m);
  });
});

describe("usage and ledger", () => {
  it("lists usage with totals, and shows the ledger", async () => {
    await insertUsage(world, { org: world.a.org, key: world.a.keyId, promptTokens: 1_234 });
    const listed = await run([
      "usage",
      "list",
      world.a.org,
      "--from",
      "2025-01-01",
      "--key-id",
      world.a.keyId,
      "--model",
      "default",
    ]);
    expect(listed.out).toContain("In all: 1 call, 1234 prompt tokens");
    expect(listed.out).toContain("0.000005 EUR");
    expect(listed.out).toMatch(/hold_\w{22}/);
    expect((await json(["usage", "list", world.a.org])).totals.promptTokens).toBe(1_234);
    expect((await run(["usage", "list", world.b.org])).out).toContain("There is no usage.");
    expect((await run(["ledger", "show", world.a.org])).out).toMatch(
      /^requestsPerMinute\s+org\s+60\s+57\s+1\s+2\s+-$/m,
    );
  });
});

describe("what one is connected to", () => {
  it("says which edge, key, role and org", async () => {
    const { out } = await run(["whoami"], { PENSTOCK_ADMIN_KEY: world.a.admin });
    expect(out).toContain(`edge        ${edge}`);
    expect(out).toMatch(new RegExp(`^role\\s+admin$[^]*^org\\s+${world.a.org}$`, "m"));
    expect(out).not.toContain(world.a.admin);
  });

  it("lists models with their prices and aliases, and nodes with what they reported", async () => {
    const models = (await run(["models"])).out;
    expect(models).toMatch(/^qwen-chat\s+default,gpt-4o\s+8192\s+chat\.completions\s+0\.20\s+0\.40/m);
    expect(models).toContain("PROMPT EUR");
    const nodes = await run(["nodes"]);
    expect(nodes.out).toMatch(/^node_a\s+shared\s+l4\s+ready\s+\d{4}-\S+Z\s+closed\s+2\s+1\s+25 %/m);
    const admin = await run(["nodes"], { PENSTOCK_ADMIN_KEY: world.a.admin });
    expect(admin.err).toBe("penstock: Only an operator may do this (nodes.read). (403 insufficient_permissions)\n");
  });

  it("shows health without a key, also when nothing is healthy", async () => {
    let seen: string | undefined;
    const sick = createServer((incoming, outgoing) => {
      seen = incoming.headers.authorization;
      outgoing.writeHead(503).end('{"status":"unhealthy","backends":{"chat":[]}}');
    });
    const ran = await run(["health", "--edge", await listen(sick)], { PENSTOCK_ADMIN_KEY: "" });
    sick.close();
    expect([ran.code, seen]).toEqual([0, undefined]);
    expect(ran.out).toMatch(/^chat\s+-$[^]*The edge is unhealthy\./m);
  });
});

describe("an org's admin", () => {
  it("need not name their org; an operator has to", async () => {
    const { out } = await run(["keys", "list"], { PENSTOCK_ADMIN_KEY: world.a.admin });
    expect(out).toContain(world.a.keyId);
    const operator = await run(["keys", "list"]);
    expect([operator.code, operator.err]).toEqual([2, expect.stringContaining("'penstock orgs list' shows them")]);
  });

  it("sets and shows a key; an error is said of the flag, in its units", async () => {
    const admin = { PENSTOCK_ADMIN_KEY: world.b.admin };
    const made = await run(["keys", "create", "--name", "set", "--model", "default", "--csv"], admin);
    expect(made.out).toMatch(/^id,org,name,.*,secret\r\nkey_/);
    const [id = ""] = made.out.match(/key_\w{16}/) ?? [];
    const set = await run(
      ["keys", "set", id, "--model", "any", "--limit", "tokensPerDay=5", "--expires", "2999-01-01"],
      admin,
    );
    expect(set.out).toMatch(/^models\s+-$[^]*tokensPerDay[^]*^expires\s+2999-01-01T00:00:00Z$/m);
    expect((await run(["keys", "show", id], admin)).out).toBe(set.out);
    const wrong = await run(["keys", "set", id, "--model", "default", "--model", "nope"], admin);
    expect(wrong.err).toBe("penstock: --model nope: There is no such model. (400 invalid_value)\n");
    const past = await run(["keys", "set", id, "--expires", "2020-01-01"], admin);
    expect(past.err).toBe("penstock: --expires: Must be in the future. (400 invalid_value)\n");
  });

  it("sums usage by day, key and model, as a table and as CSV", async () => {
    const admin = { PENSTOCK_ADMIN_KEY: world.b.admin };
    const admittedAtMs = Date.parse("2026-11-01T23:59:59.999Z");
    await insertUsage(world, { org: world.b.org, key: world.b.keyId, costMicros: 1_500_000, admittedAtMs });
    const range = ["--from", "2026-11-01", "--to", "2026-11-01"];
    const table = await run(["usage", "summary", ...range], admin);
    expect(table.out).toMatch(/^DAY\s+CALLS.*COST EUR\n2026-11-01\s+1\s.*1\.50$/m);
    const csv = await run(["usage", "summary", "--by", "key", "--csv", ...range], admin);
    expect(csv.out).toContain("group,calls,promptTokens,cachedTokens,completionTokens,units,costMicros,currency\r\n");
    expect(csv.out).toContain(`${world.b.keyId},1,10,0,20,0,1500000,EUR`);
    expect((await run(["usage", "summary", "--by", "model", ...range], admin)).out).toContain("qwen-chat");
  });
});

describe("when it cannot", () => {
  it("says what the edge said, with its code, and exits 1", async () => {
    const unknown = await run(["orgs", "show", "org_0000000000"]);
    expect(unknown).toEqual({ code: 1, out: "", err: "penstock: No such object exists. (404 not_found)\n" });
    const refused = await run(["keys", "create", world.a.org, "--name", "x", "--model", "nope", "--json"]);
    expect([refused.code, refused.out, JSON.parse(refused.err).error.param]).toEqual([1, "", "models[0]"]);
    const stranger = await run(["orgs", "list"], { PENSTOCK_ADMIN_KEY: "sk-pen-admin-wrong" });
    expect([stranger.code, stranger.err]).toEqual([1, "penstock: Incorrect API key provided. (401 invalid_api_key)\n"]);
  });

  it("says that the edge is out of reach, no edge at all, or points elsewhere", async () => {
    const gone = createServer();
    const nowhere = await listen(gone);
    await new Promise((resolve) => gone.close(resolve));
    const silent = await run(["orgs", "list", "--edge", nowhere]);
    expect(silent).toEqual({
      code: 1,
      out: "",
      err: `penstock: cannot reach the edge at ${nowhere} (ECONNREFUSED). Is it running, and is the URL right?\n`,
    });
    expect((await run(["orgs", "list", "--edge", "http://127.0.0.1:1"])).err).toContain("(this port is not allowed)");
    const other = createServer((_, outgoing) => outgoing.end("<html>"));
    expect((await run(["orgs", "list", "--edge", await listen(other)])).err).toContain("something that is not JSON");
    other.close();
    let seen = 0;
    const lure = createServer((_, outgoing) => (seen++, outgoing.end("{}")));
    const target = await listen(lure);
    const pointing = createServer((_, outgoing) => outgoing.writeHead(307, { location: target }).end());
    const moved = await run(["orgs", "list", "--edge", await listen(pointing)]);
    expect([moved.code, seen]).toEqual([1, 0]);
    expect(moved.err).toContain("(it redirects)");
    for (const one of [lure, pointing]) one.close();
  });

  it("exits 2 with one line for wrong usage", async () => {
    const wrong = [
      ["nothing"],
      ["keys"],
      ["keys", "make"],
      ["help", "nothing"],
      ["orgs", "create"],
      ["orgs", "list", "surplus"],
      ["orgs", "list", "--nothing"],
      ["orgs", "list", "--limit", "5"],
      ["orgs", "list", "--json", "--csv"],
      ["orgs", "list", "--state", "/nowhere"],
      ["orgs", "show"],
      ["orgs", "show", "Org A"],
      ["keys", "set", world.a.keyId],
      ["keys", "set", world.a.keyId, "--model", "any", "--model", "default"],
      ["keys", "create", world.a.org, "--name", "x", "--expires", "2027-01-01T12:00"],
      ["usage", "list", world.a.org, "--from", "yesterday"],
      ["usage", "summary", world.a.org, "--by", "hour"],
      ["keys", "rotate", world.a.keyId, "--overlap", "24"],
      ["orgs", "set", world.a.org],
      ["orgs", "set", world.a.org, "--suspend", "--resume"],
      ["orgs", "set", world.a.org, "--limit", "x=y"],
      ["keys", "create", world.a.org],
      ["keys", "create", "--name", "x"],
      ["keys", "rotate", world.a.org],
      ["keys", "rotate", world.a.keyId, "--overlap", "soon"],
      ["keys", "revoke"],
      ["orgs", "list", "--edge", "ftp://x"],
      ["orgs", "show", world.operator.key, world.operator.key],
    ];
    const ran = await Promise.all(wrong.map((words) => run(words)));
    ran.forEach(({ code, out, err }, at) =>
      expect([wrong[at], code, out, err]).toEqual([wrong[at], 2, "", expect.stringMatching(/^penstock: .+\n$/)]),
    );
  });

  it("asks for what is missing, and never shows a key that it cannot use", async () => {
    expect((await run(["orgs", "list"], { PENSTOCK_EDGE: "", PENSTOCK_ADMIN_KEY: "k" }, elsewhere)).code).not.toBe(0);
    expect((await run(["orgs", "list"], { PENSTOCK_ADMIN_KEY: "" })).err).toBe(
      "penstock: no admin key: set PENSTOCK_ADMIN_KEY or give --key.\n",
    );
    const broken = await run(["orgs", "list"], { PENSTOCK_ADMIN_KEY: "sk-pen-admin-a b\nc" });
    expect(broken).toEqual({ code: 2, out: "", err: "penstock: the admin key is malformed (it is not shown here).\n" });
  });
});

describe("the dev stack", () => {
  const folder = mkdtempSync(join(tmpdir(), "penstock-dev-"));
  const unset = { PENSTOCK_EDGE: "", PENSTOCK_ADMIN_KEY: "" };

  it("is found by itself: its edge, its admin key and its org", async () => {
    mkdirSync(join(folder, ".penstock"));
    writeFileSync(
      join(folder, ".penstock/dev.json"),
      JSON.stringify({ edge, adminKey: world.operator.key, org: world.a.org, key: world.a.key }),
    );
    const listed = await run(["keys", "list"], unset, folder);
    expect([listed.code, listed.err]).toEqual([0, ""]);
    expect(listed.out).toContain(world.a.keyId);
  });

  it("is found where --state or PENSTOCK_STATE says, which comes before what the shell holds", async () => {
    const state = join(folder, ".penstock");
    const other = { PENSTOCK_EDGE: "http://127.0.0.1:9", PENSTOCK_ADMIN_KEY: "sk-pen-admin-wrong" };
    for (const ran of [
      await run(["keys", "list", "--state", state], other),
      await run(["keys", "list"], { ...unset, PENSTOCK_STATE: state }),
    ]) {
      expect([ran.code, ran.err]).toEqual([0, ""]);
      expect(ran.out).toContain(world.a.keyId);
    }
  });

  it("keeps its key from any other edge", async () => {
    let seen = 0;
    const other = createServer((_, outgoing) => (seen++, outgoing.end("{}")));
    const ran = await run(["orgs", "list", "--edge", await listen(other)], unset, folder);
    other.close();
    expect([ran.code, ran.err, seen]).toEqual([
      2,
      "penstock: no admin key: set PENSTOCK_ADMIN_KEY or give --key.\n",
      0,
    ]);
  });
});

describe("help", () => {
  it("needs no edge and no key", async () => {
    for (const words of [
      [],
      ["help"],
      ["--help"],
      ["help", "keys"],
      ["help", "keys", "rotate"],
      ["keys", "rotate", "--help"],
    ]) {
      const ran = await run(words, { PENSTOCK_EDGE: "", PENSTOCK_ADMIN_KEY: "" });
      expect([words, ran.code, ran.err]).toEqual([words, 0, ""]);
      expect(ran.out).toContain("penstock");
    }
    expect((await run(["keys", "rotate", "--help"])).out).toContain("--overlap TIME");
  });

  it("is there for `npx penstock` and `./penstock`, under a name of ours", () => {
    const root = join(import.meta.dirname, "../../..");
    const { name, bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(name).toMatch(/^@penstock\//);
    expect(join(root, bin.penstock)).toBe(program);
    expect(realpathSync(join(root, "penstock"))).toBe(program);
    expect(readFileSync(program, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(program).mode & 0o111).toBe(0o111);
  });
});

function listen(one: Server): Promise<string> {
  return new Promise((resolve) =>
    one.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(one.address() as AddressInfo).port}`)),
  );
}

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = chunks.length > 0 ? Buffer.concat(chunks) : null;
  return new Request(`http://edge.test${incoming.url}`, {
    method: incoming.method ?? "GET",
    headers: incoming.headers as Record<string, string>,
    body,
  });
}
