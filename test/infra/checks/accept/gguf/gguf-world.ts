import { openLlama } from "#origin/gguf/llama.ts";
import { loadLlamaModule, type Sequence } from "#origin/gguf/module.ts";
import { serveGguf } from "#origin/gguf/server.ts";
import { makeModelRecords } from "#infra/local/engine/real-engine.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";

/** node-llama-cpp's own account of what llama.cpp was given to read and has sampled. */
interface LlamaMeter {
  usedInputTokens: number;
  usedOutputTokens: number;
}

/** A whole stack over the real llama.cpp, whose meters can be read beside every bill. */
export interface GgufWorld extends OwnStack {
  modelFile: string;
  contextTokensMax: number;
  version: string;
  /** Over all slots, so far. */
  work(): { read: number; made: number };
}

/** Small, so that a prompt can fill it within seconds on a busy machine. */
const contextTokens = 1_022;

export function modelFile(): string {
  const file = process.env["PENSTOCK_ACCEPT_GGUF"];
  if (!file) throw new Error("run this suite with `npm run accept -- --only gguf`: it fetches the model");
  return file;
}

export async function openGgufWorld(): Promise<GgufWorld> {
  const meters: LlamaMeter[] = [];
  const module = await loadLlamaModule();
  class MeteredChat extends module.LlamaChat {
    constructor(options: { contextSequence: Sequence }) {
      super(options);
      meters.push(options.contextSequence.tokenMeter as unknown as LlamaMeter);
    }
  }
  const file = modelFile();
  const llama = await openLlama(file, { contextTokens, load: async () => ({ ...module, LlamaChat: MeteredChat }) });
  const server = await serveGguf(llama, { name: "gemma" });
  const found = [{ name: "gemma", aliases: [], contextTokensMax: llama.contextTokensMax, isEmbedding: false }];
  const own = await openOwnStack({
    models: makeModelRecords(found),
    engines: [{ kind: "llamacpp", url: server.url, models: { gemma: "gemma" } }],
  });
  const sum = (pick: (meter: LlamaMeter) => number) => meters.reduce((total, meter) => total + pick(meter), 0);
  return {
    ...own,
    modelFile: file,
    contextTokensMax: llama.contextTokensMax,
    version: llama.version,
    work: () => ({ read: sum((meter) => meter.usedInputTokens), made: sum((meter) => meter.usedOutputTokens) }),
    async close() {
      await own.close();
      await server.close();
    },
  };
}
