import { parse } from "luaparse";

/** What keeps a text from being Lua 5.1, as Redis runs it, and where: `[line:column] …`; `null` when nothing does. */
export function findLuaFault(text: string): string | null {
  try {
    parse(text, { luaVersion: "5.1" });
    return null;
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault);
  }
}

/** The names that a text takes from outside of it, sorted. Throws when it is not Lua 5.1. */
export function listGlobals(text: string): string[] {
  const { globals } = parse(text, { luaVersion: "5.1", scope: true });
  return [...new Set(globals.map(({ name }) => name))].sort();
}
