import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runCommand } from "#clients/cli/run.ts";

/** An edge that answers each path so, and keeps what it was sent. */
const answers: Record<string, [number, unknown]> = {};
let received: string[] = [];
const server = createServer((request, response) => {
  received.push(`${request.method} ${request.url}`);
  const [status, body] = answers[request.url?.split("?")[0] ?? ""] ?? [404, { error: { message: "None.", code: "n" } }];
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});
let edge: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  edge = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  received = [];
  for (const path of Object.keys(answers)) delete answers[path];
});

const key = "sk-pen-admin-CANARY";
async function run(words: string[], env: Record<string, string> = {}) {
  const printed: string[] = [];
  const complaints: string[] = [];
  const code = await runCommand(words, {
    env: { PENSTOCK_EDGE: edge, PENSTOCK_ADMIN_KEY: key, ...env },
    folder: tmpdir(),
    print: (text) => void printed.push(text),
    complain: (text) => void complaints.push(text),
    nowMs: () => Date.UTC(2026, 0, 31, 12),
  });
  const out = printed.join("\n");
  const err = complaints.join("\n");
  expect(out + err).not.toContain("CANARY");
  return { code, out, err };
}

describe("help", () => {
  test("comes for no words, for 'help' and for its flags, and asks the edge nothing", async () => {
    for (const words of [[], ["help"], ["--help"], ["-h"]])
      expect(await run(words)).toMatchObject({
        code: 0,
        out: expect.stringContaining("Usage: penstock COMMAND"),
        err: "",
      });
    expect(received).toEqual([]);
  });

  test("of a command, or of a group of them, is theirs alone", async () => {
    expect((await run(["help", "orgs", "list"])).out).toMatch(/^Usage: penstock orgs list/);
    expect((await run(["orgs", "list", "--help"])).out).toBe((await run(["help", "orgs", "list"])).out);
    expect((await run(["help", "keys"])).out.match(/^Usage: penstock keys /gm)?.length).toBeGreaterThan(2);
  });
});

describe("exit code 2", () => {
  test("is for wrong usage, said in one line, before the edge is asked anything", async () => {
    for (const [words, message] of [
      [["fly"], "there is no command 'fly'"],
      [["help", "fly"], "there is no command 'fly'"],
      [["orgs"], "'orgs' needs one of: "],
      [["models", "--json", "--csv"], "--json and --csv exclude each other."],
      [["models", "more"], "'more' is one word too many."],
    ] as const) {
      const { code, out, err } = await run([...words]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toMatch(/^penstock: [^\n]+$/);
      expect(err).toContain(message);
    }
    expect(received).toEqual([]);
  });

  test("hides a key that was typed in the wrong place", async () => {
    expect((await run(["orgs", "show", key])).err).toContain("sk-pen-…");
  });
});

describe("exit code 1", () => {
  test("is for what the edge refuses, in its words, or with --json in its JSON", async () => {
    answers["/control/models"] = [403, { error: { message: "Not yours.", code: "insufficient_permissions" } }];
    expect(await run(["models"])).toEqual({
      code: 1,
      out: "",
      err: "penstock: Not yours. (403 insufficient_permissions)",
    });
    const { code, err } = await run(["models", "--json"]);
    expect([code, JSON.parse(err).error.message]).toEqual([1, "Not yours."]);
  });

  test("names the flag of the field that is refused, not the field", async () => {
    answers["/control/orgs"] = [400, { error: { message: "limit: too much.", code: "invalid_value", param: "limit" } }];
    expect((await run(["orgs", "list", "--rows", "9"])).err).toBe("penstock: --rows: too much. (400 invalid_value)");
  });
});

describe("exit code 0", () => {
  const models = {
    models: [{ id: "m", aliases: ["chat"], contextTokensMax: 8, endpoints: ["models"], prices: null }],
    currency: "EUR",
  };

  test("is for an answer: as a table, as JSON, or as CSV whose notes go to standard error", async () => {
    answers["/control/models"] = [200, models];
    const table = await run(["models"]);
    expect([table.code, table.err]).toEqual([0, ""]);
    expect(table.out).toMatch(/^ID\s+ALIASES/);
    expect(JSON.parse((await run(["models", "--json"])).out)).toEqual(models);
    const csv = await run(["models", "--csv"]);
    expect(csv.out).toMatch(/^id,aliases,/);
    expect(csv.err).toMatch(/^penstock: Prices are for a million tokens/);
  });

  test("with the key's own org where none is named", async () => {
    answers["/control/whoami"] = [200, { org: { id: "org_0123456789" }, key: { role: "admin" } }];
    answers["/control/orgs/org_0123456789"] = [200, { id: "org_0123456789", limits: {} }];
    expect((await run(["orgs", "show"])).code).toBe(0);
    expect(received).toEqual(["GET /control/whoami", "GET /control/orgs/org_0123456789"]);
  });

  test("never for an operator who names no org: theirs is every org", async () => {
    answers["/control/whoami"] = [200, { org: { id: "org_0123456789" }, key: { role: "operator" } }];
    const { code, err } = await run(["orgs", "show"]);
    expect([code, received]).toEqual([2, ["GET /control/whoami"]]);
    expect(err).toContain("an operator's key reaches every org");
  });
});
