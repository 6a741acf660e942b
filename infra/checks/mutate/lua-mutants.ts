import { readFileSync } from "node:fs";
import { scriptCounters } from "#edge/adapters/upstash/ledger/script-counters.ts";
import { scriptDecide } from "#edge/adapters/upstash/ledger/script-decide.ts";
import { scriptSettle } from "#edge/adapters/upstash/ledger/script-settle.ts";
import { scriptState } from "#edge/adapters/upstash/ledger/script-state.ts";
import { ledgerScript, scriptCommands } from "#edge/adapters/upstash/ledger/script.ts";

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

/** Every mutant of the script: comparisons, arithmetic, logic, conditions, numbers, and statements left out. */
export function makeLuaMutants(): LuaMutant[] {
  const pieces = {
    "script-books.ts": scriptCounters,
    "script-state.ts": scriptState,
    "script-decide.ts": scriptDecide,
    "script-settle.ts": scriptSettle,
    "script.ts": scriptCommands,
  };
  return Object.entries(pieces).flatMap(([name, lua]) => {
    const offset = ledgerScript.indexOf(lua);
    if (offset < 0) throw new Error(`${name} is not in the script as it stands`);
    const file = `edge/adapters/upstash/${name}`;
    const firstLine = readFileSync(file, "utf8").split("String.raw")[0]?.split("\n").length ?? 1;
    return listChanges(blankText(lua)).map(({ at, was, is }) => ({
      file,
      line: firstLine + lua.slice(0, at).split("\n").length - 1,
      was: lua.slice(at, at + was.length).trim(),
      is,
      script: ledgerScript.slice(0, offset + at) + is + ledgerScript.slice(offset + at + was.length),
    }));
  });
}
