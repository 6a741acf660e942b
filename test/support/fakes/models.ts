import type { ModelRecord } from "#edge/agreements/records/model.ts";

const price = { promptMicrosPerMTok: 150_000, completionMicrosPerMTok: 600_000 };

/** A model record with what a test cares about over defaults. */
export function modelOf(over: Partial<ModelRecord> = {}): ModelRecord {
  return {
    id: "Qwen/Qwen2.5-7B-Instruct",
    aliases: ["chat"],
    endpoints: ["chat.completions", "completions", "models"],
    contextTokensMax: 8_192,
    completionTokensDefault: 2_048,
    ownedBy: "penstock",
    createdAtMs: 1_760_000_000_000,
    prices: { shared: price, complex: price },
    ...over,
  };
}

export const chatModel = modelOf({ mediaTokensMax: { image: 1_024 } });
export const sqlModel = modelOf({
  id: "defog/sqlcoder-7b-2",
  aliases: ["text2sql"],
  endpoints: ["chat.completions", "text2sql"],
  contextTokensMax: 4_096,
});
export const embeddingModel = modelOf({
  id: "BAAI/bge-m3",
  aliases: ["embed"],
  endpoints: ["embeddings"],
  completionTokensDefault: 1,
});
export const rankModel = modelOf({
  id: "BAAI/bge-reranker-v2-m3",
  aliases: ["rerank"],
  endpoints: ["rerank", "score"],
  completionTokensDefault: 1,
  templateTokensMax: 4,
});
export const hearingModel = modelOf({
  id: "openai/whisper-large-v3-turbo",
  aliases: ["whisper"],
  endpoints: ["audio.transcriptions", "audio.translations"],
  unitTokens: 50,
  completionTokensDefault: 1,
});
export const speechModel = modelOf({
  id: "hexgrad/Kokoro-82M",
  aliases: ["tts"],
  endpoints: ["audio.speech"],
  unitTokens: 1,
  completionTokensDefault: 1,
});
export const imageModel = modelOf({
  id: "black-forest-labs/FLUX.1-schnell",
  aliases: ["image"],
  endpoints: ["images.generations"],
  unitTokens: 1_000,
  completionTokensDefault: 1,
});
/** Of calls with sound or pictures. */
export const mediaModels: readonly ModelRecord[] = [hearingModel, speechModel, imageModel];
export const testModels: readonly ModelRecord[] = [chatModel, sqlModel, embeddingModel, rankModel, ...mediaModels];
