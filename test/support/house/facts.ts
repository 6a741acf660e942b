import { callPathNames, endpointPaths, nodePaths, tokenizerPaths } from "#edge/agreements/paths.ts";
import { toSnakeCase } from "#edge/agreements/names.ts";
import { countColumns, usageColumnNames } from "#edge/agreements/records/usage-columns.ts";
import { windowNames } from "#edge/agreements/records/windows.ts";
import { sitePaths } from "#edge/doors/site-paths.ts";

/** A name that only one file may spell, how it looks where it is spelled, and that file. */
export interface Fact {
  name: string;
  spelling: RegExp;
  home: string;
}

const word = (name: string) => new RegExp(`\\b${name}\\b`);
/** As a string of its own, or behind an address: "/health", `${origin}/health`; not the start of a longer path. */
const path = (name: string) => new RegExp(`["}]${name.replaceAll(/[.{}]/g, "\\$&")}(?![\\w/-])`);
const someCount = `["'](${countColumns.join("|")})["']`;

/** A denial's reason has the same name as this window. */
const windows = windowNames.filter((name) => name !== "concurrency");
const pathsOfCalls = [...new Set([...callPathNames, ...Object.values(endpointPaths).map(({ edge }) => edge)])];

/** The facts that have one place: windows, paths, columns of the bill. Migrations stand outside. */
export const facts: readonly Fact[] = [
  ...windows.map((name) => ({ name, spelling: word(name), home: "edge/agreements/records/windows.ts" })),
  ...windows.map((name) => ({ name, spelling: word(toSnakeCase(name)), home: "infra/migrations" })),
  ...[...pathsOfCalls, ...Object.values(nodePaths), ...Object.values(tokenizerPaths)].map((name) => ({
    name,
    spelling: path(name),
    home: "edge/agreements/paths.ts",
  })),
  ...Object.values(sitePaths)
    .filter((name) => name !== "/")
    .map((name) => ({ name, spelling: path(name), home: "edge/doors/site-paths.ts" })),
  // Code reckons with a count by its name, as it must; only the table lists them.
  {
    name: countColumns.join(", "),
    spelling: new RegExp(`${someCount}\\s*[,|]\\s*${someCount}`),
    home: "edge/agreements/records/usage-columns.ts",
  },
  // OpenAI spells counts of usage as our SQL does, and the ledger's object has ends of its own.
  ...usageColumnNames
    .filter((name) => /[A-Z]/.test(name) && !/Tokens$|^endedAtMs$/.test(name))
    .map((name) => ({ name, spelling: word(toSnakeCase(name)), home: "infra/migrations" })),
];

/** Engines have paths of their own, which are like ours because we speak as they do. */
export const isEngines = (file: string): boolean => /^origin\/(engines|gguf)\//.test(file);

/** A source without its comments, TypeScript's or Lua's. */
export function omitComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|^\s*(\/\/|--).*$/gm, "");
}
