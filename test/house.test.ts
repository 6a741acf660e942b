import { spawnSync } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import luaparse from "luaparse";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { isReplayable, readRecordings, type Recording } from "#test/support/recordings.ts";
import { exemptFromMirror } from "#test/support/house/exempt.ts";
import { findCircles } from "#test/support/house/circles.ts";
import { facts, isEngines, omitComments } from "#test/support/house/facts.ts";
import { importTable } from "#test/support/house/import-table.ts";
import {
  exportsFunction,
  mirror,
  readFunctionNames,
  readIdentifiers,
  readMuteExports,
  readStrings,
  readTypeNames,
} from "#test/support/house/readers.ts";
import {
  allFiles,
  locate,
  parseFile,
  productFiles,
  readComments,
  readDeclaredNames,
  readImports,
  readText,
  sourceFiles,
  testFiles,
  walk,
} from "#test/support/house/sources.ts";
import { emptyNames, renamedWords, splitName } from "#test/support/house/words.ts";

/** The laws of the house (docs/architecture.md), read from the source itself. A failure names the file and the law. */

const columnsMax = 120;
const filesMax = 12;
const importsMax = 15;
const parametersMax = 4;
/** Tables of contents: they name everything once, so they import much. */
const contents = [
  "edge/wiring.ts",
  "edge/wiring/control.ts",
  "edge/control/http/routes.ts",
  "edge/control/openai-admin/routes.ts",
  "edge/doors/open-api/schemas.ts",
  "origin/start-agent.ts",
  "infra/checks/bench/rows.ts",
];

describe("who may import whom", () => {
  test("every source file has a row in the table of imports", () => {
    expect(sourceFiles.filter((file) => !importTable.some(({ part }) => part.test(file)))).toEqual([]);
  });

  test("every import is allowed by the first row that fits its file", () => {
    const broken = sourceFiles.flatMap((file) => {
      const row = importTable.find(({ part }) => part.test(file));
      return readImports(file)
        .filter(({ to, isType }) => row && !row.may(to, isType, file))
        .map(({ to }) => `${file} -> ${to}: ${row?.instead}`);
    });
    expect(broken).toEqual([]);
  });

  test("SDKs are named in their adapter only", () => {
    const isSdk = (to: string) => to.startsWith("@upstash/") || to === "cloudflare:workers";
    const others = productFiles.filter((file) => !file.startsWith("edge/adapters/"));
    expect(others.filter((file) => readImports(file).some(({ to }) => isSdk(to)))).toEqual([]);
  });

  test("no file imports itself through others, types included", () => {
    const arrows = new Map(
      allFiles.map((file) => [
        file,
        readImports(file)
          .map(({ to }) => to)
          .filter((to) => to.endsWith(".ts")),
      ]),
    );
    expect(findCircles(arrows)).toEqual([]);
  });

  test("across top-level folders an import begins with '#', within one it does not climb out", () => {
    const broken = allFiles.flatMap((file) =>
      readImports(file)
        .filter(({ written, to }) => written.startsWith(".") && to.split("/")[0] !== file.split("/")[0])
        .map(({ written }) => `${file}: ${written}`),
    );
    expect(broken).toEqual([]);
  });

  test("a file imports from at most 15 modules, unless it is a table of contents", () => {
    const many = sourceFiles
      .map((file) => ({ file, count: new Set(readImports(file).map(({ to }) => to)).size }))
      .filter(({ file, count }) => count > importsMax && !contents.includes(file));
    expect(many.map(({ file }) => file)).toEqual([]);
  });

  test("the pipeline stays one screen", () => {
    expect(readText("edge/pipeline.ts").split("\n").length).toBeLessThanOrEqual(80);
  });
});

describe("size", () => {
  test("files stay short: 300 lines in the source, 400 in tests", () => {
    const isLong = (max: number) => (file: string) => readText(file).split("\n").length - 1 > max;
    expect(sourceFiles.filter(isLong(300))).toEqual([]);
    expect(testFiles.filter(isLong(400))).toEqual([]);
  });

  test("no line is wider than 120 columns", () => {
    const scripts = globSync(["infra/**/*.{mjs,lua,sh,py}", "edge/**/*.{lua,vue}", "origin/**/*.sh", ".ci/run"]);
    const wide = [...allFiles, ...scripts].flatMap((file) =>
      readText(file)
        .split("\n")
        .flatMap((line, at) => (line.length > columnsMax ? [`${file}:${at + 1}`] : [])),
    );
    expect(wide).toEqual([]);
  });

  test("at most 12 files stand side by side; recordings, which nobody reads in order, and migrations aside", () => {
    const folders = ["edge", "origin", "infra", "clients", "test"].flatMap((top) => [top, ...globSync(`${top}/**/`)]);
    const crowded = folders
      .filter((folder) => !folder.startsWith("test/fixtures/") && folder !== "infra/migrations")
      .map((folder) => ({
        folder,
        count: readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()).length,
      }))
      .filter(({ count }) => count > filesMax);
    expect(crowded).toEqual([]);
  });

  test("a function takes at most four parameters", () => {
    const broken = sourceFiles.flatMap((file) => {
      const found: string[] = [];
      walk(parseFile(file), (node) => {
        if (ts.isFunctionLike(node) && node.parameters.length > parametersMax) found.push(locate(node));
      });
      return found;
    });
    expect(broken).toEqual([]);
  });
});

describe("names", () => {
  test("no name hides that nobody asked what the thing does", () => {
    const broken = sourceFiles.flatMap((file) =>
      readDeclaredNames(file)
        .filter((name) => emptyNames.test(name))
        .map((name) => `${file}: ${name}`),
    );
    expect(broken).toEqual([]);
    const paths = globSync(["edge/**", "origin/**", "infra/**", "clients/**", "test/**"]);
    expect(paths.filter((path) => /(^|\/)(src|utils?|common|types|helpers?)(\/|$)/.test(path))).toEqual([]);
  });

  test("a type is declared under a name once in edge and origin", () => {
    const homes = Map.groupBy(productFiles.flatMap(readTypeNames), ({ name }) => name);
    const twice = [...homes].filter(([, places]) => new Set(places.map(({ file }) => file)).size > 1);
    expect(twice.map(([name, all]) => `${name}: ${all.map(({ file }) => file).join(", ")}`)).toEqual([]);
  });

  test("a function's name begins with what it does, so none ends in 'Of'", () => {
    const broken = sourceFiles.flatMap((file) => readFunctionNames(file).filter(({ name }) => /[a-z]Of$/.test(name)));
    expect(broken.map(({ name, at }) => `${at}: ${name}`)).toEqual([]);
  });

  test("words that gave way to the field's own do not come back", () => {
    const broken = productFiles.flatMap((file) =>
      readIdentifiers(file).flatMap(({ name, at }) =>
        splitName(name)
          .filter((word) => Object.hasOwn(renamedWords, word))
          .map((word) => `${at}: ${name}; write ${renamedWords[word]}`),
      ),
    );
    expect(broken).toEqual([]);
  });
});

describe("one fact, one place", () => {
  test("windows, paths and columns of the bill are spelled in their table only", () => {
    const files = [...productFiles, ...globSync("edge/**/*.lua")].filter((file) => !isEngines(file));
    const texts = files.map((file) => ({ file, text: omitComments(readText(file)) }));
    const broken = facts.flatMap(({ name, spelling, home }) =>
      texts
        .filter(({ file, text }) => file !== home && spelling.test(text))
        .map(({ file }) => `${file}: ${name}; take it from ${home}`),
    );
    expect(broken).toEqual([]);
  });

  test("time and randomness come through visit or an injected clock", () => {
    const clocks =
      /^edge\/(visit|portal\/model\/clock)\.ts$|^origin\/(agent|start-agent|log)\.ts$|^origin\/gguf\/main\.ts$/;
    const broken = productFiles
      .filter((file) => !clocks.test(file))
      .flatMap((file) => {
        const found: string[] = [];
        walk(parseFile(file), (node) => {
          const isRead = ts.isPropertyAccessExpression(node) && /^(Date\.now|Math\.random)$/.test(node.getText());
          const isNew = ts.isNewExpression(node) && node.getText() === "new Date()";
          if (isRead || isNew) found.push(`${locate(node)}: ${node.getText()}`);
        });
        return found;
      });
    expect(broken).toEqual([]);
  });

  test("SQL stands in files of queries and in adapters only", () => {
    const sql = /^\s*(SELECT .* FROM|INSERT INTO|UPDATE .* SET|DELETE FROM|CREATE (TABLE|INDEX))\b/s;
    const broken = productFiles
      .filter((file) => !file.startsWith("edge/adapters/") && !/[/-]queries\.ts$/.test(file))
      .flatMap((file) => readStrings(file).filter(({ text }) => sql.test(text)))
      .map(({ at }) => at);
    expect(broken).toEqual([]);
  });

  test("a port that two adapters keep has one suite in contracts/, and each adapter's test runs it", () => {
    const missing = portsWithTwins.flatMap(({ suite, runners }) =>
      runners
        .filter((runner) => !existsSync(runner) || !readImports(runner).some(({ to }) => to === suite))
        .map((runner) => `${runner} does not run ${suite}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("the tree", () => {
  test("a source file that exports a function has a mirror in test/", () => {
    const unmirrored = [...productFiles, ...globSync("clients/**/*.ts")].filter(
      (file) => exportsFunction(file) && !existsSync(mirror(file)) && !(file in exemptFromMirror),
    );
    expect(unmirrored.map((file) => `${file} -> ${mirror(file)}`)).toEqual([]);
  });

  test("every exemption from the mirror still exists and still needs it, and so do the tests that it names", () => {
    const exempt = Object.keys(exemptFromMirror);
    expect(exempt.filter((file) => !existsSync(file) || existsSync(mirror(file)))).toEqual([]);
    expect(
      Object.values(exemptFromMirror)
        .flat()
        .filter((keeper) => !existsSync(keeper)),
    ).toEqual([]);
  });

  test("each recording of a real engine is read by a test", () => {
    const replayer = "test/contracts/engine/engine-fixtures.test.ts";
    expect(readText(replayer)).toContain("isReplayable");
    const others = testFiles.filter((file) => file !== "test/support/recordings.ts").map(readText);
    const isNamed = (name: string) => others.some((text) => text.includes(`"${name}"`));
    const recordings = readRecordings<Recording>();
    expect(recordings.length).toBeGreaterThan(300);
    const unread = recordings.filter(([name, recording]) => !isReplayable(name, recording) && !isNamed(name));
    expect(unread.map(([name]) => name)).toEqual([]);
  });

  test("each Lua file parses", () => {
    const files = globSync("edge/**/*.lua");
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect(() => luaparse.parse(readText(file), { luaVersion: "5.1" }), file).not.toThrow();
  });

  test("git keeps nothing larger than a megabyte: models and builds belong elsewhere", () => {
    const { status, stdout } = spawnSync("git", ["ls-files", "-z"], { encoding: "utf8" });
    // An archive without its history has nothing that git keeps; there the folders say what there is.
    const kept = status === 0 ? stdout.split("\0") : globSync(["*", "{edge,origin,infra,clients,test,docs}/**"]);
    expect(kept.length).toBeGreaterThan(500);
    const isLarge = (file: string) => existsSync(file) && statSync(file).isFile() && statSync(file).size > 1_000_000;
    expect(kept.filter(isLarge)).toEqual([]);
  });

  test("no default export save where the platform demands one", () => {
    const broken = productFiles.filter((file) => file !== "edge/worker.ts" && /^export default /m.test(readText(file)));
    expect(broken).toEqual([]);
  });

  test("no type assertion outside adapters and tests", () => {
    const others = productFiles.filter((file) => !file.startsWith("edge/adapters/"));
    const broken = others.flatMap((file) => {
      const found: string[] = [];
      walk(parseFile(file), (node) => {
        if (ts.isAsExpression(node) && node.type.getText() !== "const") found.push(locate(node));
      });
      return found;
    });
    expect(broken).toEqual([]);
  });

  test("the lock file carries no download addresses", () => {
    expect(readFileSync("package-lock.json", "utf8")).not.toContain('"resolved"');
  });

  test("every dependency is pinned exactly", () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
    const all = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

describe("words for readers", () => {
  test("each export of edge and origin has a sentence that says what it promises", () => {
    const mute = productFiles.filter((file) => !file.endsWith(".d.ts")).flatMap(readMuteExports);
    expect(mute).toEqual([]);
  });

  test("a comment cites only what the repository holds", () => {
    const foreign =
      /shared\/(design|reference|seeds)|\b(road|origin|house|mission|leases|people)\.md\b|\bseed s\d|reference §/;
    const cited = allFiles.flatMap((file) =>
      readComments(file).map(({ line, text }) => ({ at: `${file}:${line}`, text })),
    );
    expect(cited.filter(({ text }) => foreign.test(text)).map(({ at }) => at)).toEqual([]);
    const path = /\b(?:docs|edge|origin|infra|clients|test)\/[\w./-]*\w\.(?:ts|md|sql|sh|lua|json|toml|mjs|py)\b/g;
    const gone = cited.flatMap(({ at, text }) =>
      (text.match(path) ?? []).filter((found) => !existsSync(found)).map((found) => `${at}: ${found}`),
    );
    expect(gone).toEqual([]);
  });

  test("a promise that a comment or a test names stands in docs/promises.md", () => {
    const known = new Set(
      readFileSync("docs/promises.md", "utf8")
        .match(/\*\*[A-Z]\d+/g)
        ?.map((id) => id.slice(2)),
    );
    expect(known.size).toBeGreaterThan(40);
    const named = sourceFiles.flatMap((file) =>
      readComments(file).flatMap(({ line, text }) =>
        [...text.matchAll(/\(([A-Z]\d{1,2}(?:, [A-Z]\d{1,2})*)\)/g)].flatMap(([, ids = ""]) =>
          ids.split(", ").map((id) => ({ at: `${file}:${line}`, id })),
        ),
      ),
    );
    expect(named.filter(({ id }) => !known.has(id)).map(({ at, id }) => `${at}: ${id}`)).toEqual([]);
  });
});

/** Ports with two adapters or more: their suite, and the tests that must run it. */
const portsWithTwins = [
  {
    suite: "test/contracts/ledger/ledger-contract.ts",
    runners: [
      "test/edge/adapters/memory/ledger.test.ts",
      "test/edge/adapters/durable-object/ledger/ledger.test.ts",
      "test/edge/adapters/upstash/ledger/ledger.test.ts",
    ],
  },
  {
    suite: "test/contracts/ip-limit/ip-limit-contract.ts",
    runners: [
      "test/edge/adapters/memory/ip-limit.test.ts",
      "test/edge/adapters/cloudflare/ip-limit.test.ts",
      "test/edge/adapters/upstash/ip-limit.test.ts",
    ],
  },
  {
    suite: "test/contracts/storage/response-store-contract.ts",
    runners: ["test/edge/adapters/memory/stored-responses.test.ts", "test/edge/adapters/d1/stored-responses.test.ts"],
  },
  {
    suite: "test/contracts/fleet/fleet-contract.ts",
    runners: ["test/edge/adapters/memory/fleet.test.ts", "test/edge/adapters/durable-object/fleet/fleet.test.ts"],
  },
  {
    suite: "test/contracts/engine/engine-contract.ts",
    runners: ["test/contracts/engine/engine-simulator.test.ts", "test/contracts/engine/engine-vllm.accept.ts"],
  },
];
