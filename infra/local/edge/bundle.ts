import { build } from "esbuild";

/**
 * Bundles the Worker as `wrangler deploy` does, in memory, in a tenth of the time: one ES module, platform modules left
 * outside.
 */
export async function bundleWorker(
  root: string,
  entry = "edge/worker.ts",
  define: Record<string, string> = {},
): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".lua": "text" },
    define,
    logLevel: "silent",
  });
  const [output] = outputFiles;
  if (!output) throw new Error("the bundler wrote nothing");
  return output.text;
}
