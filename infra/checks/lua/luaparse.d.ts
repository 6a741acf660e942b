/** The part of luaparse that is used; it has no types of its own. */
declare module "luaparse" {
  export function parse(text: string, options: { luaVersion: "5.1"; scope?: boolean }): { globals: { name: string }[] };
}
