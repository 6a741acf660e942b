import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";

/**
 * The laws of the house (shared design, house.md), read from the source itself. A failure names the file, the law and
 * what to do instead.
 */

const sources = globSync(["edge/**/*.ts", "origin/**/*.ts"]).sort();
const tests = globSync("test/**/*.ts").sort();
const text = (file: string) => readFileSync(file, "utf8");
const parse = (file: string) => ts.createSourceFile(file, text(file), ts.ScriptTarget.ESNext, true);

interface Import {
  to: string;
  isType: boolean;
}

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  for (const node of parse(file).statements) {
    if (!(ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) || !node.moduleSpecifier) continue;
    const to = (node.moduleSpecifier as ts.StringLiteral).text;
    const clause = ts.isImportDeclaration(node) ? node.importClause : undefined;
    const named = clause?.namedBindings && ts.isNamedImports(clause.namedBindings) ? clause.namedBindings.elements : [];
    const isType =
      Boolean(clause?.isTypeOnly) ||
      (named.length > 0 && !clause?.name && named.every((element) => element.isTypeOnly)) ||
      (ts.isExportDeclaration(node) && node.isTypeOnly);
    found.push({ to: resolve(file, to), isType });
  }
  return found;
}

function resolve(file: string, to: string): string {
  if (to.startsWith(".")) return normalize(join(dirname(file), to));
  if (to.startsWith("#")) return to.slice(1);
  return to;
}

const rooms = ["identity", "admission", "routing", "forwarding", "settlement"];
const isRoom = new RegExp(`^edge/(${rooms.join("|")})/`);
const leaves = /^edge\/(protocol|agreements)\/|^edge\/(errors|limits)\.ts$/;
const cores = /^edge\/ledger\//;
/** Workers have these; they are pure (docs/decisions/0005). */
const isNodeCrypto = (to: string) => to === "node:crypto" || to === "node:buffer";
const isPackage = (to: string) => !to.startsWith("edge/") && !to.startsWith("origin/");

/** Which part of the house a file belongs to, and what that part may import. Packages are named where restricted. */
const table: { of: RegExp; may: (to: string, isType: boolean, file: string) => boolean; instead: string }[] = [
  { of: /^edge\/wiring\.ts$/, may: () => true, instead: "" },
  {
    of: /^edge\/pipeline\.ts$/,
    may: (to, isType) =>
      rooms.some((room) => to === `edge/${room}/index.ts`) ||
      leaves.test(to) ||
      to === "edge/visit.ts" ||
      (isType && to === "edge/ports.ts"),
    instead: "go through the room's index.ts",
  },
  {
    of: /^edge\/doors\//,
    may: (to, isType) =>
      to.startsWith("edge/doors/") ||
      leaves.test(to) ||
      /^edge\/(pipeline|visit|(identity|settlement)\/index|routing\/health|control\/http\/(routes|open-api))\.ts$/.test(
        to,
      ) ||
      (isType && /^edge\/(ports|env|wiring)\.ts$/.test(to)) ||
      /^(hono|zod)(\/|$)/.test(to) ||
      isNodeCrypto(to),
    instead: "a door turns its wire into what the pipeline and the control plane take, and answers",
  },
  {
    of: isRoom,
    may: (to, _isType, file) =>
      to.split("/")[1] === file.split("/")[1] ||
      leaves.test(to) ||
      to === "edge/ledger/port.ts" ||
      to === "edge/visit.ts" ||
      to === "zod" ||
      to === "jose" ||
      isNodeCrypto(to),
    instead: "state the need in the room's port.ts and let pipeline.ts or wiring.ts bring it",
  },
  {
    of: cores,
    may: (to) => cores.test(to) || leaves.test(to) || to === "zod" || isNodeCrypto(to),
    instead: "the ledger's core is pure: it knows agreements, errors and limits",
  },
  {
    of: /^edge\/adapters\//,
    may: (to) =>
      isPackage(to) ||
      leaves.test(to) ||
      to.startsWith("edge/adapters/") ||
      to === "edge/env.ts" ||
      cores.test(to) ||
      isRoom.test(to),
    instead: "an adapter knows the port it keeps, ledger/, agreements and its own SDK",
  },
  {
    of: /^edge\/control\//,
    may: (to, isType) =>
      to.startsWith("edge/control/") ||
      leaves.test(to) ||
      to === "edge/visit.ts" ||
      (isType && to === "edge/ledger/port.ts") ||
      /^(hono|@hono\/zod-openapi|zod)(\/|$)/.test(to),
    instead: "control reaches the data plane only by publishing records through its port",
  },
  {
    of: leaves,
    may: (to, isType) => leaves.test(to) || to === "zod" || isNodeCrypto(to) || (isType && to === "edge/visit.ts"),
    instead: "leaf modules know zod and each other only",
  },
  {
    of: /^origin\//,
    may: (to) => to.startsWith("origin/") || leaves.test(to) || isPackage(to),
    instead: "the origin knows itself and the edge's agreements and protocol",
  },
];

describe("the house", () => {
  test("every import is allowed by the table", () => {
    const broken = sources.flatMap((file) => {
      const law = table.find(({ of }) => of.test(file));
      if (!law) return [];
      return importsOf(file)
        .filter(({ to, isType }) => !law.may(to, isType, file))
        .map(({ to }) => `${file} -> ${to}: ${law.instead}`);
    });
    expect(broken).toEqual([]);
  });

  test("SDKs are named in their adapter only", () => {
    const broken = sources.filter(
      (file) =>
        !file.startsWith("edge/adapters/") &&
        importsOf(file).some(({ to }) => to.startsWith("@upstash/") || to === "cloudflare:workers"),
    );
    expect(broken).toEqual([]);
  });

  test("a source file that exports a function has a mirror in test/", () => {
    const unmirrored = sources.filter(
      (file) => exportsFunction(file) && !existsSync(mirrorOf(file)) && !(file in exempt),
    );
    expect(unmirrored.map((file) => `${file} -> ${mirrorOf(file)}`)).toEqual([]);
  });

  test("every exemption from the mirror still exists and still needs it, and so do the tests that it names", () => {
    expect(Object.keys(exempt).filter((file) => !existsSync(file) || existsSync(mirrorOf(file)))).toEqual([]);
    expect(
      Object.values(exempt)
        .flat()
        .filter((keeper) => !existsSync(keeper)),
    ).toEqual([]);
  });

  test("files stay short: 300 lines in the source, 400 in tests", () => {
    const lines = (file: string) => text(file).split("\n").length - 1;
    expect(sources.filter((file) => lines(file) > 300).map((file) => `${file}: ${lines(file)}`)).toEqual([]);
    expect(tests.filter((file) => lines(file) > 400).map((file) => `${file}: ${lines(file)}`)).toEqual([]);
  });

  test("git keeps nothing larger than a megabyte: models and builds belong elsewhere", () => {
    const kept = spawnSync("git", ["ls-files", "-z"], { encoding: "utf8" }).stdout?.split("\0") ?? [];
    expect(
      kept.filter((file) => existsSync(file) && statSync(file).isFile() && statSync(file).size > 1_000_000),
    ).toEqual([]);
  });

  test("the pipeline stays one screen", () => {
    expect(text("edge/pipeline.ts").split("\n").length).toBeLessThanOrEqual(80);
  });

  test("no name hides that nobody asked what the thing does", () => {
    const banned = /(Service|Manager|Helper|Util|Utils|Handler|Processor|Impl)$|^(Base[A-Z]|I[A-Z][a-z])|^(data|info)$/;
    const broken = [...sources, ...globSync("infra/**/*.ts")].flatMap((file) =>
      declaredNames(file)
        .filter((name) => banned.test(name))
        .map((name) => `${file}: ${name}`),
    );
    expect(broken).toEqual([]);
    const folders = globSync(["edge/**", "origin/**", "infra/**", "test/**"]).filter((path) =>
      /(^|\/)(src|utils?|common|types|helpers?)(\/|$)/.test(path),
    );
    expect(folders).toEqual([]);
  });

  test("no type assertion outside adapters and tests", () => {
    const broken = sources.filter((file) => !file.startsWith("edge/adapters/")).flatMap((file) => assertions(file));
    expect(broken).toEqual([]);
  });

  test("no default export save where the platform demands one", () => {
    const broken = sources.filter((file) => file !== "edge/worker.ts" && /^export default /m.test(text(file)));
    expect(broken).toEqual([]);
  });

  test("the lock file carries no download addresses", () => {
    expect(text("package-lock.json")).not.toContain('"resolved"');
  });

  test("every dependency is pinned exactly", () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text("package.json"));
    const loose = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});

/**
 * Files whose promises are kept elsewhere, each with where: they come to life only in a running Worker, with real
 * streams and real sockets.
 */
const exempt: Record<string, string[]> = {
  // Paths, request ids, CORS, who is counted by address, the one writer of errors.
  "edge/app.ts": [
    "test/journeys/callers/door.test.ts",
    "test/journeys/limits/ip-limit.test.ts",
    "test/journeys/callers/bad-input.test.ts",
    "test/journeys/callers/sdk.test.ts",
  ],
  // Calls to models by exact address; lists, tokens, health and documents; what nodes send.
  "edge/doors/openai.ts": ["test/journeys/callers/door.test.ts", "test/journeys/limits/ip-limit.test.ts"],
  "edge/doors/site.ts": ["test/journeys/callers/door.test.ts", "test/journeys/callers/sdk.test.ts"],
  "edge/doors/nodes.ts": ["test/journeys/callers/door.test.ts", "test/journeys/faults/crash.test.ts"],
  // The order of the rooms; nothing is held for an address over its limit; what was held is given back when no node
  // answers; models as a key may see them.
  "edge/pipeline.ts": [
    "test/journeys/limits/limits.test.ts",
    "test/journeys/limits/ip-limit.test.ts",
    "test/journeys/faults/failover.test.ts",
    "test/journeys/callers/sdk.test.ts",
    "test/journeys/callers/door.test.ts",
  ],
  // The entry: served over real HTTP, with the classes that it exports.
  "edge/worker.ts": ["test/journeys/callers/sdk.test.ts", "test/journeys/faults/crash.test.ts"],
  // Done, cut and broken streams; early comments; whole answers, small and large; bounded memory.
  "edge/forwarding/answer.ts": [
    "test/journeys/faults/broken-streams.test.ts",
    "test/journeys/callers/slow-readers.test.ts",
    "test/journeys/callers/door.test.ts",
  ],
  // Every adapter at its place; a setting that is missing or malformed serves nothing.
  "edge/wiring.ts": [
    "test/journeys/callers/door.test.ts",
    "test/journeys/faults/crash.test.ts",
    "test/journeys/operators/keys.test.ts",
  ],
};

function mirrorOf(file: string): string {
  return `test/${file.replace(/\.ts$/, ".test.ts")}`;
}

function exportsFunction(file: string): boolean {
  return parse(file).statements.some((node) => {
    const isExported =
      ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    return isExported && (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node));
  });
}

function declaredNames(file: string): string[] {
  return parse(file).statements.flatMap((node) => {
    if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText());
    const isNamed =
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node);
    return isNamed && node.name ? [node.name.text] : [];
  });
}

function assertions(file: string): string[] {
  const source = parse(file);
  const found: string[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isAsExpression(node) && node.type.getText() !== "const") {
      found.push(`${file}:${source.getLineAndCharacterOfPosition(node.pos).line + 1}: ${node.getText().slice(0, 60)}`);
    }
    ts.forEachChild(node, walk);
  };
  walk(source);
  return found;
}
