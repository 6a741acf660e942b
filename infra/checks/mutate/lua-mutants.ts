import { readFileSync } from "node:fs";
import { assembleScript } from "#edge/adapters/upstash/ledger/assemble.ts";

/** One change of the ledger's Lua, and the whole script with it. */
export interface LuaMutant {
  file: string;
  line: number;
  was: string;
  is: string;
  script: string;
}

const swaps: Record<string, string> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "==": "~=",
  "~=": "==",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  and: "or",
  or: "and",
  true: "false",
  false: "true",
  min: "max",
  max: "min",
  floor: "ceil",
  ceil: "floor",
  not: "",
};
const swappable =
  /(?<= )(?:<=|>=|==|~=|<|>|\+|-|\*|\/|and|or)(?= )|\b(?:true|false)\b|\b(?:min|max|floor|ceil)(?=\()|\bnot(?= )/g;
const condition = /(?<=\bif ).+?(?= then\b)/g;
const count = /(?<![\w.])\d+(?![\w.])/g;
/** A call or an assignment on a line of its own; `local` ones and the lines of a table do not count. */
const statement = /^ +(?!local |return|if |for |else)(?:[a-z]\w*\(.*\)|[a-zA-Z][\w.[\]#, +]* = .*[^,{\n])$/gm;

/** Strings and comments blanked, so that only code is changed; every offset stays the same. */
function blankText(lua: string): string {
  return lua.replaceAll(/"(?:\\.|[^"\\\n])*"|'[^'\n]*'|--.*/g, (text) =>
    text.startsWith("--") ? " ".repeat(text.length) : `"${"_".repeat(text.length - 2)}"`,
  );
}

function listChanges(code: string): { at: number; was: string; is: string }[] {
  const found = (pattern: RegExp, into: (was: string) => string[]) =>
    Array.from(code.matchAll(pattern), ({ 0: was, index: at }) => into(was).map((is) => ({ at, was, is }))).flat();
  return [
    ...found(swappable, (was) => [swaps[was] ?? ""]),
    ...found(condition, () => ["true", "false"]),
    ...found(count, (was) => [String(Number(was) + 1)]),
    ...found(statement, () => [""]),
  ];
}

const folder = "edge/adapters/upstash/ledger/lua";
const readPart = (name: string) => readFileSync(`${folder}/${name}.lua`, "utf8");

/** Every mutant of the script: comparisons, arithmetic, logic, conditions, numbers, and statements left out. */
export function makeLuaMutants(): LuaMutant[] {
  const parts = {
    builtins: readPart("builtins"),
    counters: readPart("counters"),
    state: readPart("state"),
    leases: readPart("leases"),
    decide: readPart("decide"),
    settle: readPart("settle"),
    commands: readPart("commands"),
  };
  return Object.entries(parts)
    .filter(([name]) => name !== "builtins")
    .flatMap(([name, lua]) =>
      listChanges(blankText(lua)).map(({ at, was, is }) => ({
        file: `${folder}/${name}.lua`,
        line: lua.slice(0, at).split("\n").length,
        was: lua.slice(at, at + was.length).trim(),
        is,
        script: assembleScript({ ...parts, [name]: lua.slice(0, at) + is + lua.slice(at + was.length) }),
      })),
    );
}
