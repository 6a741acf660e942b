import { join } from "node:path";
import { startChild } from "../child.ts";
import type { FoundModel } from "./real-engine.ts";
import { root, type EngineSpec } from "../stack.ts";

/** llama.cpp with one GGUF model, in a process of its own: one for both nodes, since a laptop has memory for one. */
export interface GgufEngine {
  engine: EngineSpec;
  found: FoundModel[];
  stop(): Promise<void>;
}

/**
 * Loads a model file; large ones take minutes. Rejects with what the process said last: no module, no binary for this
 * machine, no model.
 */
export async function startGguf(file: string, log: (line: string) => void): Promise<GgufEngine> {
  log(`loading ${file}`);
  const child = await startChild("llama.cpp", [join(root, "origin/gguf/main.ts"), "--model", file], log);
  const { url, model, contextTokensMax } = child.ready;
  const name = String(model);
  return {
    engine: { kind: "llamacpp", url: String(url), models: { [name]: name } },
    found: [{ name, aliases: [], contextTokensMax: Number(contextTokensMax), isEmbedding: false }],
    // Nobody waits for its answers: the agents have given them up by now.
    stop: () => child.stop(500),
  };
}
