/** Lua is imported as its text: by wrangler's `rules`, esbuild's `loader`, and Vitest's plugin (infra/lua-text.ts). */
declare module "*.lua" {
  const text: string;
  export default text;
}
