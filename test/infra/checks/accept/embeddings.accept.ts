import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { makeModelRecords, probeEngine } from "#infra/local/engine/real-engine.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { realEngines } from "./engines.ts";

const engine = realEngines().find(({ kind }) => kind === "embed");

describe.skipIf(!engine)("embeddings over a real vLLM", () => {
  let own: OwnStack;
  beforeAll(async () => {
    const { engine: spec, found } = await probeEngine(engine!.url);
    const [first] = makeModelRecords(found.slice(0, 1));
    const model: ModelRecord = { ...first!, aliases: ["embed"], endpoints: ["embeddings"], completionTokensDefault: 1 };
    own = await openOwnStack({ engines: [{ ...spec, models: { [model.id]: model.id } }], models: [model] });
  });
  afterAll(() => own.close());

  test("the official SDK gets vLLM's vectors, in both encodings, billed by the prompt alone", async () => {
    const org = await own.world.newOrg();
    const ours = new OpenAI({ baseURL: `${own.world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
    const direct = new OpenAI({ baseURL: `${engine!.url}/v1`, apiKey: "none", maxRetries: 0 });
    const inputs = ["one", ["one", "two words"], [300, 301, 302]];
    let prompts = 0;
    for (const input of inputs) {
      for (const encoding_format of ["float", "base64"] as const) {
        const [told, truth] = [
          await ours.embeddings.create({ model: "embed", input, encoding_format }),
          await direct.embeddings.create({ model: "embed", input, encoding_format }),
        ];
        expect(told.data).toEqual(truth.data);
        expect(told.usage).toMatchObject({
          prompt_tokens: truth.usage.prompt_tokens,
          total_tokens: truth.usage.total_tokens,
        });
        prompts += truth.usage.prompt_tokens;
      }
    }
    const rows = await own.world.settled(org.id);
    expect(rows).toHaveLength(6);
    expect(rows.every((row) => row.end === "completed" && row.completionTokens === 0)).toBe(true);
    expect(rows.reduce((sum, row) => sum + row.promptTokens, 0)).toBe(prompts);
  });

  test("a prompt beyond the context, and dimensions that the model has not, are refused in our words", async () => {
    const org = await own.world.newOrg();
    const long = await own.world.post("/v1/embeddings", org.key, { model: "embed", input: Array(2_100).fill(300) });
    expect(await long.json()).toMatchObject({ error: { code: "context_length_exceeded", param: "input" } });
    const cut = await own.world.post("/v1/embeddings", org.key, { model: "embed", input: "x", dimensions: 7 });
    expect(cut.status).toBe(400);
    expect(await cut.json()).toMatchObject({
      error: { type: "invalid_request_error", message: expect.not.stringMatching(/matryoshka/i) },
    });
    expect(await own.world.settled(org.id)).toEqual([]);
  });

  test("what `npm run dev -- --engine` makes of this vLLM is an embedding model", async () => {
    expect(makeModelRecords((await probeEngine(engine!.url)).found)).toMatchObject([
      { id: "BAAI/bge-small-en-v1.5", aliases: expect.arrayContaining(["embed"]), endpoints: ["embeddings"] },
    ]);
  });
});
