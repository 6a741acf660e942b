import { spawn } from "node:child_process";
import { join } from "node:path";
import { moduleVersion } from "#origin/gguf/module.ts";
import { folder } from "./engines.ts";

const model = join(folder, "gguf/gemma-3-270m-q4_k_m.gguf");

/** The path of the small GGUF model, downloaded on the first run; or the reason why the suite cannot run here. */
export async function setUpGguf(): Promise<{ model: string } | { missing: string }> {
  if (!hasModule())
    return { missing: `node-llama-cpp is not installed: npm install --no-save node-llama-cpp@${moduleVersion}` };
  const child = spawn(
    process.env["PENSTOCK_ACCEPT_PYTHON"] ?? "python3",
    [new URL("get-gguf.py", import.meta.url).pathname, model],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  const code = await new Promise((resolve) => child.once("error", () => resolve("no Python")).once("exit", resolve));
  return code === 0 ? { model } : { missing: `the model could not be fetched (${String(code)})` };
}

function hasModule(): boolean {
  try {
    return import.meta.resolve("node-llama-cpp") !== "";
  } catch {
    return false;
  }
}
