import { readFileSync } from "node:fs";
import { assembleScript, type LuaParts } from "#edge/adapters/upstash/ledger/assemble.ts";

/** One change of the ledger's Lua, and the whole script with it. */
export interface LuaMutant {
  file: string;
  line: number;
  was: string;
  is: string;
  script: string;
  /** One of those that were thought of. */
  isFault: boolean;
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

/** Faults of leases that no small change of one place makes, or that have to be among the mutants by name. */
const leaseFaults: { part: keyof LuaParts; was: string; is: string }[] = [
  // Attempts count at the lease's start, and so leave the window too early.
  { part: "leases", was: "countNew(counters, atMs, endsAtMs,", is: "countNew(counters, atMs, atMs," },
  // Its calls count when they were admitted, and not where the lease is booked.
  { part: "leases", was: "int(lease and lease.endsAtMs or admittedAtMs)", is: "int(admittedAtMs)" },
  { part: "leases", was: "if not lease or lease.isClosed then", is: "if not lease then" },
  { part: "leases", was: "if toDay(endsAtMs) ~= toDay(atMsNow()) then", is: "if false then" },
  { part: "leases", was: "check.remaining / LEASE_SHARE / want", is: "check.remaining / want" },
  { part: "leases", was: "lease.isClosed and back.calls or 0", is: "back.calls" },
  // Old buckets go by the bucket that is booked, which may lie ahead.
  {
    part: "counters",
    was: "sliding.first < current - SUB_BUCKETS then dropOld(sliding, current)",
    is: "sliding.first < bucket - SUB_BUCKETS then dropOld(sliding, bucket)",
  },
  { part: "commands", was: '{ "published", leasedForMs }', is: '{ "published", 0 }' },
  { part: "commands", was: '{ "ignored", leasedForMs }', is: '{ "ignored", 0 }' },
];

const folder = "edge/adapters/upstash/ledger/lua";
const readPart = (name: string) => readFileSync(`${folder}/${name}.lua`, "utf8");

/**
 * Every mutant of the script: comparisons, arithmetic, logic, conditions, numbers, and statements left out; and the
 * faults that were thought of.
 */
export function makeLuaMutants(): LuaMutant[] {
  const parts = {
    builtins: readPart("builtins"),
    counters: readPart("counters"),
    state: readPart("state"),
    leases: readPart("leases"),
    waiting: readPart("waiting"),
    decide: readPart("decide"),
    settle: readPart("settle"),
    commands: readPart("commands"),
  };
  const change = (name: string, lua: string, { at, was, is }: { at: number; was: string; is: string }): LuaMutant => ({
    isFault: false,
    file: `${folder}/${name}.lua`,
    line: lua.slice(0, at).split("\n").length,
    was: lua.slice(at, at + was.length).trim(),
    is,
    script: assembleScript({ ...parts, [name]: lua.slice(0, at) + is + lua.slice(at + was.length) }),
  });
  const small = Object.entries(parts)
    .filter(([name]) => name !== "builtins")
    .flatMap(([name, lua]) => listChanges(blankText(lua)).map((each) => change(name, lua, each)));
  const faults = leaseFaults.map(({ part, was, is }) => {
    const at = parts[part].indexOf(was);
    if (at < 0) throw new Error(`${part}.lua has no '${was}'`);
    return { ...change(part, parts[part], { at, was, is }), isFault: true };
  });
  return [...small, ...faults];
}
