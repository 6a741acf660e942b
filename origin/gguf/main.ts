import { existsSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError } from "../config.ts";
import { openLlama } from "./llama.ts";
import { serveGguf } from "./server.ts";

const usage = `node origin/gguf/main.ts --model FILE.gguf [--name NAME] [--context 8192] [--host 127.0.0.1] [--port 0]

Serves a GGUF model by llama.cpp. An agent names it as an engine of kind "llamacpp".
The optional module comes with: npm install --no-save node-llama-cpp
`;
/** EX_CONFIG of sysexits.h. */
const exitConfig = 78;

/**
 * Prints `ready {"url":…,"model":…,"contextTokensMax":…,"version":…}` once the model is loaded. Exit code 78 when file
 * or module are at fault.
 */
async function main(args: string[]): Promise<void> {
  const { model, name, contextTokens, host, port } = readGgufFlags(args);
  const llama = await openLlama(model, { contextTokens });
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const { url } = await serveGguf(llama, { name, host, port, log });
  process.stdout.write(
    `ready ${JSON.stringify({ url, model: name, contextTokensMax: llama.contextTokensMax, version: llama.version })}\n`,
  );
}

/** The name is the file's without its ending where none is given. Throws ConfigError. */
export function readGgufFlags(args: string[]): {
  model: string;
  name: string;
  contextTokens: number;
  host: string;
  port: number;
} {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ args, options: { model: text, name: text, context: text, host: text, port: text } });
  const { model, host = "127.0.0.1" } = values;
  if (model === undefined) throw new ConfigError("config_missing", `gguf: --model is missing\n\n${usage}`);
  if (!existsSync(model)) throw new ConfigError("config_unreadable", `gguf: there is no file ${model}`);
  const port = readNumber("--port", values.port ?? "0", 0, 65_535);
  const contextTokens = readNumber("--context", values.context ?? "8192", 256, 1_048_576);
  return { model, name: values.name ?? basename(model).replace(/\.gguf$/i, ""), contextTokens, host, port };
}

function readNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new ConfigError("config_invalid", `gguf: ${flag} must be a number from ${min} to ${max}`);
}

if (import.meta.main) {
  // Nothing here is worth waiting for: the usage records are with the agents.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof ConfigError ? exitConfig : 1);
  });
}
