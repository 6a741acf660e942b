import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EngineEndpoint } from "#edge/agreements/paths.ts";
import {
  adviseOutputTokens,
  buildModelCard,
  findPurpose,
  formatTokenPrice,
  listAbilities,
  listCallEndpoints,
  ModelCard,
  nameForPeople,
  obeyedMembers,
} from "#edge/protocol/models/card.ts";
import { memberTables } from "#edge/protocol/openai/members/parse.ts";
import {
  embeddingModel,
  hearingModel,
  imageModel,
  modelOf,
  rankModel,
  speechModel,
  sqlModel,
} from "#test/support/fakes/models.ts";

test("a card is what OpenAI lists, in seconds, with what vLLM's and OpenRouter's lists are read for", () => {
  const model = modelOf({
    createdAtMs: 1_760_000_000_999,
    displayName: "Qwen2.5 7B",
    abilities: ["tools", "structured_outputs"],
    mediaTokensMax: { image: 1_024, video: 10 },
  });
  expect(ModelCard.parse(buildModelCard(model, model.id, "EUR"))).toEqual({
    id: "Qwen/Qwen2.5-7B-Instruct",
    object: "model",
    created: 1_760_000_000,
    owned_by: "penstock",
    root: "Qwen/Qwen2.5-7B-Instruct",
    parent: null,
    aliases: ["chat"],
    name: "Qwen2.5 7B",
    display_name: "Qwen2.5 7B",
    type: "chat",
    context_length: 8_192,
    max_model_len: 8_192,
    max_output_tokens: 4_096,
    architecture: { input_modalities: ["text", "image", "video"], output_modalities: ["text"] },
    input_modalities: ["text", "image", "video"],
    output_modalities: ["text"],
    capabilities: {
      chat: true,
      completions: true,
      embeddings: false,
      rerank: false,
      transcriptions: false,
      speech: false,
      images: false,
      vision: true,
      tools: true,
      structured_outputs: true,
      reasoning: false,
    },
    supported_parameters: [...obeyedMembers.chat, ...obeyedMembers.tools, ...obeyedMembers.structured_outputs],
    endpoints: ["chat.completions", "completions", "responses", "messages", "ollama.chat", "ollama.generate"],
    pricing: { prompt: "0.00000015", completion: "0.0000006", request: "0", currency: "EUR" },
    prices: model.prices,
  });
});

test("an alias is an entry of its own, which leads to its model", () => {
  const model = modelOf();
  const { id, root, parent, display_name } = buildModelCard(model, "chat", "USD");
  expect([id, root, parent, display_name]).toEqual(["chat", model.id, model.id, model.id]);
});

test("a model that embeds says so in each way that clients know, and promises no answer and no chat", () => {
  const card = buildModelCard(
    { ...embeddingModel, abilities: ["tools"], mediaTokensMax: { image: 1 } },
    "embed",
    "USD",
  );
  expect(card).toMatchObject({
    type: "embedding",
    output_modalities: ["embeddings"],
    input_modalities: ["text"],
    capabilities: { chat: false, completions: false, embeddings: true, tools: false, vision: false },
    supported_parameters: ["dimensions", "encoding_format"],
    endpoints: ["embeddings", "ollama.embed"],
  });
  expect(card).not.toHaveProperty("max_output_tokens");
});

test("a model that ranks is neither for chats nor an embedder", () => {
  const card = buildModelCard(rankModel, "rerank", "USD");
  expect(card).toMatchObject({
    type: "rerank",
    output_modalities: ["rerank"],
    capabilities: { chat: false, embeddings: false, rerank: true },
    endpoints: ["rerank", "score"],
  });
  expect(card).not.toHaveProperty("max_output_tokens");
});

test.each([
  [hearingModel, "transcription", ["audio"], ["text"]],
  [speechModel, "speech", ["text"], ["audio"]],
  [imageModel, "image", ["text"], ["image"]],
] as const)("%#: what goes into sound and pictures, and what comes out", (model, type, inputs, outputs) => {
  const card = buildModelCard(model, "x", "USD");
  expect(ModelCard.parse(card)).toMatchObject({ type, input_modalities: inputs, output_modalities: outputs });
  expect(card).not.toHaveProperty("max_output_tokens");
  expect(card.endpoints).toEqual(model.endpoints);
});

describe("what a model is for and can do", () => {
  test.each([
    [["chat.completions", "embeddings"], "chat"],
    [["text2sql"], "chat"],
    [["completions", "embeddings"], "completion"],
    [["embeddings", "models"], "embedding"],
    [["rerank"], "rerank"],
    [["score", "embeddings"], "rerank"],
    [["audio.translations"], "transcription"],
    [["audio.speech"], "speech"],
    [["images.generations"], "image"],
    [["audio.transcriptions", "chat.completions"], "chat"],
  ] as const)("%j is for %s", (endpoints, purpose) => {
    expect(findPurpose({ endpoints: [...endpoints] })).toBe(purpose);
  });

  test("its abilities are those of its record; of a chat that says nothing, answers by a schema", () => {
    expect(listAbilities(modelOf({ abilities: ["reasoning"] }))).toEqual(["reasoning"]);
    expect(listAbilities(modelOf({ abilities: [] }))).toEqual([]);
    expect(listAbilities(modelOf())).toEqual(["structured_outputs"]);
    expect(listAbilities(embeddingModel)).toEqual([]);
  });

  test("every endpoint of the engines brings those of other protocols that are read as it", () => {
    expect(listCallEndpoints(sqlModel)).not.toContain("completions");
    expect(listCallEndpoints(sqlModel)).toEqual(expect.arrayContaining(["text2sql", "chat.completions", "messages"]));
    for (const endpoint of EngineEndpoint.options)
      expect(listCallEndpoints({ endpoints: [endpoint] })).toContain(endpoint);
    expect(listCallEndpoints({ endpoints: ["models"] })).toEqual([]);
  });

  test("no member is promised that is refused or does nothing", () => {
    const { completions: completion, embeddings: embedding, rerank } = memberTables;
    const transcription = memberTables["audio.transcriptions"];
    const [speech, image] = [memberTables["audio.speech"], memberTables["images.generations"]];
    const tables = { completion, embedding, rerank, transcription, speech, image };
    for (const [kind, names] of Object.entries(obeyedMembers)) {
      const table = kind in tables ? tables[kind as keyof typeof tables] : memberTables["chat.completions"];
      for (const name of names)
        expect([name, table[name]?.fate]).toEqual([name, expect.stringMatching(/^(forwarded|ours)$/)]);
    }
  });

  test("advice for an answer leaves room for a prompt, and is never nothing", () => {
    expect(adviseOutputTokens({ contextTokensMax: 8_192 })).toBe(4_096);
    expect(adviseOutputTokens({ contextTokensMax: 1 })).toBe(1);
  });

  test("its name for people is its id where it has no other", () => {
    expect(nameForPeople({ id: "a/b" })).toBe("a/b");
    expect(nameForPeople({ id: "a/b", displayName: "B" })).toBe("B");
  });
});

describe("a token's price", () => {
  test.each([
    [0, "0"],
    [1, "0.000000000001"],
    [200_000, "0.0000002"],
    [1_000_000_000, "0.001"],
    [1_500_000_000_000, "1.5"],
    [2_000_000_000_000, "2"],
  ])("%i is %s", (micros, text) => {
    expect(formatTokenPrice(micros)).toBe(text);
  });

  test("is exact: its digits are the micro-units again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (micros) => {
        const [whole = "", fraction = ""] = formatTokenPrice(micros).split(".");
        expect(BigInt(whole + fraction.padEnd(12, "0"))).toBe(BigInt(micros));
      }),
    );
  });
});
