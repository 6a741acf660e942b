import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exchange } from "./exchange.mjs";

/** Where recordings are kept. */
export const OUT = join(dirname(fileURLToPath(import.meta.url)), "../../../../test/fixtures/vllm");

/** The command line: `--name value` pairs. */
export const opt = {};
for (let i = 2; i < process.argv.length; i += 2) opt[process.argv[i].slice(2)] = process.argv[i + 1];

/** The cases that are asked for; `null` for all. */
export const only = opt.only ? new RegExp(opt.only) : null;

/** The folder of a recording: the first word of its name, where that is a family. */
function findFamily(name) {
  if (name.startsWith("detokenize")) return "tokenize";
  if (/^(death|abort|resume)/.test(name)) return "ends";
  return /^(chat|completions|embed|error|queue|key|tokenize|cache|metrics)\b/.exec(name)?.[1] ?? "other";
}

let written = 0;

/** How many recordings have been written. */
export const countWritten = () => written;

/** Writes one recording. */
export function save({ name, server, request, response, note }) {
  const { cut: _cut, patience: _patience, onBlock: _onBlock, ...req } = request;
  const fixture = { name, server, ...(note ? { note } : {}), request: req, ...response };
  const folder = join(OUT, findFamily(name));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(fixture, null, 2) + "\n");
  written++;
  console.log(`${String(response.status).padEnd(4)} ${name}`);
}

/** Makes one call of a server and keeps what came, if the case is asked for. */
export async function record({ port, server }, name, request, note) {
  if (only && !only.test(name)) return;
  save({ name, server, request, response: await exchange(port, request), note });
}
