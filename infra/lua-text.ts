import { readFileSync } from "node:fs";
import type { Plugin } from "vitest/config";

/** Makes Vitest import a `.lua` file as its text, as wrangler's `rules` and esbuild's `loader` do. */
export function luaText(): Plugin {
  return {
    name: "lua-text",
    enforce: "pre",
    load: (id) => (id.endsWith(".lua") ? `export default ${JSON.stringify(readFileSync(id, "utf8"))};` : undefined),
  };
}
