import { describe, expect, test } from "vitest";
import {
  listRunning,
  listTags,
  OllamaModel,
  OllamaRunning,
  OllamaTags,
  ollamaVersion,
  showOllamaModel,
} from "#edge/protocol/ollama/models.ts";
import { chatModel, embeddingModel, modelOf, sqlModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

test("models are listed by their ids, with a digest that stays and nothing that nobody knows", () => {
  const { models } = OllamaTags.parse(listTags(testModels));
  expect(models.map(({ name }) => name)).toEqual(testModels.map(({ id }) => id));
  expect(models).toEqual(listTags(testModels).models);
  expect(new Set(models.map(({ digest }) => digest)).size).toBe(testModels.length);
  expect(models[0]).toMatchObject({ size: 0, modified_at: "2025-10-09T08:53:20.000Z", details: { family: "" } });
});

test("those that are served stay, with their context", () => {
  const { models } = OllamaRunning.parse(listRunning([chatModel]));
  expect(models).toMatchObject([{ name: chatModel.id, size_vram: 0, context_length: chatModel.contextTokensMax }]);
});

test("the version is one that clients can compare", () => expect(ollamaVersion).toMatch(/^\d+\.\d+\.\d+$/));

describe("one model", () => {
  const capabilities = (body: unknown) => OllamaModel.parse(showOllamaModel(testModels, body)).capabilities;

  test("is shown by any of its names, with a tag or without, under the newer or the older word", () => {
    for (const body of [{ model: "chat" }, { model: "chat:latest" }, { name: "chat" }, { model: chatModel.id }])
      expect(showOllamaModel(testModels, body)).toMatchObject({
        template: "",
        model_info: { "general.architecture": "unknown", "unknown.context_length": chatModel.contextTokensMax },
      });
  });

  test("says what it can do, as far as its record does", () => {
    expect(capabilities({ model: "chat" })).toEqual(["completion", "tools", "vision"]);
    expect(capabilities({ model: sqlModel.id })).toEqual(["completion", "tools"]);
    expect(capabilities({ model: embeddingModel.id })).toEqual(["embedding"]);
    const text = modelOf({ endpoints: ["completions"] });
    expect(showOllamaModel([text], { model: text.id }).capabilities).toEqual([]);
  });

  test("is refused where there is none, or where none is named", async () => {
    await expectRefusal(() => showOllamaModel(testModels, { model: "nobody" }), "model_not_found", "model");
    await expectRefusal(() => showOllamaModel(testModels, {}), "model_not_found", "model");
    await expectRefusal(() => showOllamaModel(testModels, { model: 3 }), "invalid_value", "model");
    await expectRefusal(() => showOllamaModel(testModels, []), "invalid_value");
  });
});
