import { expect, test } from "vitest";
import { readTokenizerCall } from "#edge/protocol/tokenizer/call.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";

const source = { models: testModels, sender: { org: "", key: "" }, readScopes: async () => [] };
const messages = [{ role: "user", content: "Hi" }];

test.each([
  ["countMessages", posted({ model: "chat", messages }), "/tokenizer/length"],
  ["tokenize", posted({ model: "chat", prompt: "x" }), "/tokenizer/tokens"],
  ["detokenize", posted({ model: "chat", tokens: [1] }), "/tokenizer/text"],
  ["describe", new Request("http://edge/v1/tokenizer_info?model=chat"), "/tokenizer/traits"],
] as const)("%s is asked where a node answers it", async (task, request, path) => {
  const { question } = await readTokenizerCall(visitOf(request), task, source);
  expect(question.path).toBe(path);
});
