import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { Flags, UsageError } from "#clients/cli/input/flags.ts";
import { readSettings } from "#clients/cli/settings.ts";

const dev = { edge: "http://127.0.0.1:8787", adminKey: "sk-pen-admin-dev", org: "org_0123456789" };
const top = mkdtempSync(join(tmpdir(), "penstock-settings-"));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(top, "folder-"));
  // A folder of one's own is found before the clone's, whatever runs there.
  writeStack(join(folder, ".penstock"), dev);
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

function writeStack(state: string, stack: unknown): string {
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, "dev.json"), typeof stack === "string" ? stack : JSON.stringify(stack));
  return state;
}

type Kind = Parameters<typeof readSettings>[2];
const read = (line: string[], env: Record<string, string> = {}, kind: Kind = "admin key") =>
  readSettings(new Flags(line, { token: { value: "TOKEN", about: "" } }), { env, folder }, kind);

describe("where an edge and its key come from", () => {
  test("the dev stack of this folder, with its key and its org", () => {
    const { edge, credential, org, warning } = read([]);
    expect([edge.origin, credential, org, warning]).toEqual([dev.edge, dev.adminKey, dev.org, null]);
  });

  test("the environment comes before the dev stack, and options before both", () => {
    const env = { PENSTOCK_EDGE: "https://a.example", PENSTOCK_ADMIN_KEY: "sk-a" };
    expect(read([], env)).toMatchObject({ credential: "sk-a", org: undefined });
    expect(read([], env).edge.origin).toBe("https://a.example");
    const given = read(["--edge", "https://b.example", "--key", "sk-b"], env);
    expect([given.edge.origin, given.credential]).toEqual(["https://b.example", "sk-b"]);
  });

  test("a stack that is named comes before the environment", () => {
    const state = writeStack(join(folder, "other"), { ...dev, adminKey: "sk-pen-admin-other" });
    const env = { PENSTOCK_EDGE: "https://a.example", PENSTOCK_ADMIN_KEY: "sk-a" };
    expect(read(["--state", state], env).credential).toBe("sk-pen-admin-other");
    expect(read([], { PENSTOCK_STATE: state }).credential).toBe("sk-pen-admin-other");
  });

  test("another's key has no org of the dev stack", () => {
    expect(read(["--key", "sk-b"])).toMatchObject({ credential: "sk-b", org: undefined });
  });

  test("a bootstrap takes its token, never an admin's key; a question without a credential takes none", () => {
    expect(read([], { PENSTOCK_BOOTSTRAP_TOKEN: "t" }, "bootstrap token").credential).toBe("t");
    expect(read(["--token", "u"], { PENSTOCK_BOOTSTRAP_TOKEN: "t" }, "bootstrap token").credential).toBe("u");
    expect(() => read(["--key", "sk-b"], {}, "bootstrap token")).toThrow(/^no token/);
    expect(read([], { PENSTOCK_ADMIN_KEY: "sk-a" }, "none").credential).toBeNull();
  });
});

describe("the dev stack's key", () => {
  test("goes to the dev stack's edge alone: another edge needs a key of its own", () => {
    expect(() => read(["--edge", "https://other.example"])).toThrow(/^no admin key/);
    expect(read(["--edge", `${dev.edge}/`]).credential).toBe(dev.adminKey);
  });
});

describe("a key sent in the clear", () => {
  test("is warned of for a host that is not this machine", () => {
    const warn = (edge: string) => read(["--edge", edge, "--key", "sk-b"]).warning;
    expect(warn("http://edge.example")).toMatch(/plain http; the admin key can be read/);
    for (const edge of ["https://edge.example", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"])
      expect(warn(edge), edge).toBeNull();
  });
});

describe("what cannot be used", () => {
  test("is refused without a key in the message", () => {
    for (const [line, message] of [
      [["--edge", "ftp://x", "--key", "k"], /is no http\(s\) URL/],
      [["--edge", "x", "--key", "k"], /is no http\(s\) URL/],
      [["--key", "CANARY key"], /malformed/],
      [["--state", "nowhere"], /^--state: no dev stack was started/],
    ] as const) {
      expect(() => read([...line])).toThrow(UsageError);
      expect(() => read([...line])).toThrow(message);
      expect(() => read([...line])).not.toThrow(/CANARY/);
    }
    expect(() => read([], { PENSTOCK_STATE: "nowhere" })).toThrow(/^PENSTOCK_STATE: no dev stack/);
  });

  test("in a dev stack's file is as if it were not there", () => {
    writeStack(join(folder, ".penstock"), { edge: dev.edge, adminKey: 7 });
    expect(() => read([])).toThrow(/^no admin key/);
    writeStack(join(folder, "broken"), "not JSON");
    expect(() => read(["--state", join(folder, "broken")])).toThrow(/no dev stack was started/);
  });
});
