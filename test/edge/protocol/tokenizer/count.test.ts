import { afterEach, describe, expect, test, vi } from "vitest";
import { readCount, type CountedEndpoint } from "#edge/protocol/tokenizer/count.ts";
import { wires } from "#edge/protocol/wires/wires.ts";
import { chatModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";

const messages = [{ role: "user", content: "Hi" }];
const source = { models: testModels, sender: { org: "", key: "" } };
const read = (endpoint: CountedEndpoint, body: object) => readCount(visitOf(posted(body)), endpoint, source);

/** What a wire makes of a body is its own test's affair. */
function translateTo(endpoint: CountedEndpoint, json: object) {
  return vi.spyOn(wires[endpoint], "translate").mockReturnValue({
    json,
    exact: null,
    answer: null,
    rename: (param) => param.replace("messages", "input"),
  });
}
afterEach(() => void vi.restoreAllMocks());

describe("counting a call's prompt", () => {
  test.each([
    ["messages", { input_tokens: 7 }],
    ["responses", { object: "response.input_tokens", input_tokens: 7 }],
  ] as const)(
    "of %s asks for the count of what the wire made of it, and answers in its form",
    async (endpoint, form) => {
      translateTo(endpoint, { model: "chat", messages, tools: [] });
      const { call, question } = await read(endpoint, { anything: 1 });
      expect(call).toMatchObject({ endpoint, model: chatModel, promptTokensMax: 0, completionTokens: 0 });
      expect(question.path).toBe("/tokenizer/length");
      expect(question.body).toMatchObject({ model: chatModel.id, messages });
      expect(question.write({ count: 7, max_model_len: 9 })).toEqual(form);
      expect(question.write({ count: -1 })).toBeNull();
    },
  );

  test.each([
    [{ messages }, 1],
    [{ messages, thinking: { type: "enabled", budget_tokens: 4_096 } }, 4_097],
    [{ messages, thinking: 7 }, 1],
    [{ messages, max_tokens: 5 }, 5],
  ])("of a message needs no length of its answer: %j is read with %i", async (body, length) => {
    const translate = translateTo("messages", { model: "chat", messages });
    await read("messages", body);
    expect(translate.mock.calls[0]?.[0].json).toEqual({ ...body, max_tokens: length });
  });

  test("of a response adds nothing", async () => {
    const translate = translateTo("responses", { model: "chat", messages });
    await read("responses", { input: "x" });
    expect(translate.mock.calls[0]?.[0].json).toEqual({ input: "x" });
  });

  test("tells what is wrong by the caller's own name, marked with the model", async () => {
    translateTo("responses", { model: "chat", messages: [{ role: "user", content: 7 }] });
    await expectRefusal(() => read("responses", {}), "invalid_value", "input[0].content");
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    translateTo("responses", { model: "chat", messages: [{ role: "user", content: [image] }] });
    const refusal = await expectRefusal(() => read("responses", {}), "unsupported_parameter", "input");
    expect(refusal.details.about).toEqual({ name: "chat", id: chatModel.id });
    translateTo("messages", { model: "embed", messages });
    await expectRefusal(() => read("messages", {}), "invalid_value", "model");
    translateTo("messages", { model: "none", messages });
    await expectRefusal(() => read("messages", {}), "model_not_found", "model");
  });
});
