import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  AgentConfigFile,
  checkConfig,
  ConfigError,
  configVariables,
  readConfig,
  type ConfigInput,
} from "#origin/config.ts";
import { configFor, makeKeys, saltSecret } from "#test/support/fakes/origin.ts";

let good: ConfigInput;
const sharedKeys = { hop: "A".repeat(43), node: "E".repeat(43) };
const directory = mkdtempSync(join(tmpdir(), "config-"));
beforeAll(() => {
  good = configFor(makeKeys(), "http://edge.test", "http://127.0.0.1:8001", directory);
});

function write(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function catchError(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("the config", () => {
  test("has defaults for everything that has a good one, and listens on loopback", () => {
    const { port: _, limits: __, ...rest } = good;
    expect(checkConfig(rest)).toMatchObject({
      host: "127.0.0.1",
      port: 8_700,
      limits: { streamIdleMsMax: 60_000, pingMs: 500 },
    });
  });

  test.each<[string, string, unknown]>([
    ["node", "node", "Node 1"],
    ["node", "node", undefined],
    ["edgeUrl", "edgeUrl", "ftp://edge"],
    ["port", "port", 70_000],
    ["nodeKeys", "nodeKeys", undefined],
    ["nodeKeys", "nodeKeys", {}],
    ["nodeKeys", "nodeKeys", { k1: sharedKeys, k2: sharedKeys, k3: sharedKeys }],
    ["nodeKeys", "nodeKeys", { "1": sharedKeys }],
    ["nodeKeys", "nodeKeys", { K1: sharedKeys }],
    ["nodeKeys", "nodeKeys", { k1: { hop: sharedKeys.hop } }],
    ["nodeKeys", "nodeKeys", { k1: { ...sharedKeys, node: "short" } }],
    ["nodeKeys", "nodeKeys", { k1: { ...sharedKeys, node: `${sharedKeys.node}A` } }],
    ["nodeKeys", "nodeKeys", { [`short${sharedKeys.node}`]: sharedKeys }],
    ["cacheSaltSecret", "cacheSaltSecret", "short"],
    ["cacheSaltSecret", "cacheSaltSecret", ""],
    ["cacheSaltSecret", "cacheSaltSecret", undefined],
    ["engines", "engines", []],
    ["engines.0.kind", "engines", [{ kind: "tgi", url: "http://x", models: { a: "b" } }]],
    ["engines.0.models", "engines", [{ kind: "vllm", url: "http://x", models: {} }]],
    ["config", "surprise", 1],
    ["limits", "limits", { pingMs: 20_000, typo: 1 }],
  ])("a bad %s is named", (where, member, value) => {
    const error = catchError(() => checkConfig({ ...good, [member]: value }));
    expect(error.name).toBe("config_invalid");
    expect(error.message).toContain(`${where}: `);
    expect(error.message).not.toContain("short");
  });

  test("two engines for one model are refused, since nobody could say which serves it", () => {
    const [engine] = good.engines;
    expect(catchError(() => checkConfig({ ...good, engines: [engine, engine] })).message).toContain("public");
  });

  test("a key at the place of its kid is not shown", () => {
    const swapped = { [sharedKeys.hop]: { hop: "k1", node: sharedKeys.node } };
    expect(catchError(() => checkConfig({ ...good, nodeKeys: swapped })).message).not.toContain(sharedKeys.hop);
  });

  test("opens its keys in their order, as objects that show nothing", () => {
    const config = checkConfig({
      ...good,
      nodeKeys: { n2: sharedKeys, n1: { hop: "B".repeat(43), node: "C".repeat(43) } },
    });
    expect([[...config.nodeKeys.hop.keys()], [...config.nodeKeys.node.keys()]]).toEqual([
      ["n2", "n1"],
      ["n2", "n1"],
    ]);
    expect(inspect(config, { depth: 9 })).not.toContain(sharedKeys.hop);
  });

  test("a file that others may read is refused, and one that nobody can is named", () => {
    const file = write("open.json", JSON.stringify(good), 0o644);
    expect(catchError(() => readConfig(["--config", file], {})).name).toBe("file_mode");
    expect(catchError(() => readConfig(["--config", join(directory, "none")], {})).name).toBe("config_unreadable");
  });

  test("comes from a file, with variables and then flags over it", () => {
    const file = write("agent.json", JSON.stringify(good));
    const config = readConfig(["--config", file, "--port", "9000"], {
      PENSTOCK_NODE: "node_env",
      PENSTOCK_PORT: "8999",
      PENSTOCK_CACHE_SALT_SECRET: saltSecret,
    });
    expect(config).toMatchObject({ node: "node_env", port: 9_000, edgeUrl: "http://edge.test" });
    expect(readConfig([], { PENSTOCK_AGENT_CONFIG: file }).node).toBe("node_test");
  });

  test("nothing given, an unknown flag, a file that others may read, and broken JSON are named", () => {
    expect(catchError(() => readConfig([], {})).name).toBe("config_missing");
    expect(catchError(() => readConfig(["--verbose"], {})).name).toBe("config_invalid");
    expect(catchError(() => readConfig(["--config", write("open.json", "{}", 0o640)], {})).name).toBe("file_mode");
    expect(catchError(() => readConfig(["--config", write("bad.json", "{")], {})).message).toContain("JSON");
    expect(catchError(() => readConfig(["--config", join(directory, "nope.json")], {})).name).toBe("config_unreadable");
  });
});

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Every setting of a schema, by its path. */
function listSettings(schema: JsonSchema, path: string[] = []): [path: string, setting: JsonSchema][] {
  const isSchema = (one: unknown): one is JsonSchema => typeof one === "object" && one !== null;
  const members = Object.entries(schema.properties ?? {});
  const inner = [schema.items, schema.additionalProperties].filter(isSchema).flatMap((one) => listSettings(one, path));
  const own = members.flatMap(([name, member]): [string, JsonSchema][] =>
    isSchema(member) ? [[[...path, name].join("."), member], ...listSettings(member, [...path, name])] : [],
  );
  return [...own, ...inner];
}

describe("what a page on the config is made from", () => {
  const settings = listSettings(z.toJSONSchema(AgentConfigFile, { io: "input" }));

  test("every setting has one sentence that says what it is for", () => {
    expect(settings.length).toBeGreaterThan(25);
    for (const [path, { description }] of settings)
      expect([path, description]).toEqual([path, expect.stringMatching(/\.$/)]);
  });

  test("every bound says its unit and has a default", () => {
    const units: [RegExp, RegExp][] = [
      [/Ms(Max)?$/, /\bms\b/],
      [/Bytes/, /\bbytes\b/],
      [/Tokens/, /\btokens\b/],
    ];
    const bounds = settings.filter(([path]) => path.startsWith("limits."));
    expect(bounds.length).toBeGreaterThan(10);
    for (const [path, bound] of bounds) {
      expect([path, "default" in bound]).toEqual([path, true]);
      for (const [name, unit] of units) if (name.test(path)) expect(bound.description).toMatch(unit);
    }
  });
});

describe("the examples", () => {
  const example = readFileSync("origin/config.example.json", "utf8");
  const fake: unknown = expect.stringMatching(/^FAKE/);
  const lines = readFileSync("origin/agent.env.example", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const variables = Object.fromEntries(
    lines.map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)]),
  );

  test("of a config is one that the agent takes, and its secrets are visibly none", () => {
    const config = AgentConfigFile.parse(JSON.parse(example));
    expect(config.cacheSaltSecret).toMatch(/^FAKE/);
    for (const { hop, node } of Object.values(config.nodeKeys)) expect([hop, node]).toEqual([fake, fake]);
  });

  test("of an environment names every variable, and needs no file", () => {
    expect(Object.keys(variables).sort()).toEqual([...Object.keys(configVariables), "PENSTOCK_AGENT_CONFIG"].sort());
    expect(readConfig([], { ...variables, PENSTOCK_AGENT_CONFIG: undefined })).toMatchObject({
      node: "node_a",
      port: 8_700,
    });
  });

  test("of both agree", () => {
    const config: Record<string, unknown> = JSON.parse(example);
    const plain = Object.entries(configVariables).filter(([, member]) => typeof config[member] !== "object");
    expect(plain.map(([variable]) => [variable, variables[variable]])).toEqual(
      plain.map(([variable, member]) => [variable, String(config[member])]),
    );
  });
});
