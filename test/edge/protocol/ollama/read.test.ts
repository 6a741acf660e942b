import { expect, test } from "vitest";
import { OptionsBody } from "#edge/protocol/ollama/options.ts";
import {
  dropTag,
  nameGeneration,
  noMessages,
  readOllamaBody,
  translateExactFormat,
  translateGeneration,
} from "#edge/protocol/ollama/read.ts";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { readAt } from "./world.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

test("a tag is dropped where a name stands before it", () => {
  const names = ["chat", "chat:latest", "a/b:latest", ":latest", "latest", "chat:7b", "chat:latest:latest"];
  expect(names.map(dropTag)).toEqual(["chat", "chat", "a/b", ":latest", "latest", "chat:7b", "chat:latest"]);
});

test("a body that is none is refused; a null in it says nothing", async () => {
  const read = (json: unknown) => readOllamaBody(OptionsBody, { json, table: {}, ignored: new IgnoredMembers() });
  for (const json of [[], "x", 3, null]) await expectRefusal(() => read(json), "invalid_value");
  expect(read({ temperature: null })).toEqual({});
});

test("levels of log-probabilities without any are none", () => {
  const translate = (wishes: object) => translateGeneration({ model: "m", ...wishes }, new IgnoredMembers());
  expect(translate({ top_logprobs: 3 })).toEqual({ model: "m", stream: true });
  expect(translate({ logprobs: true, top_logprobs: 3 })).toMatchObject({ logprobs: true, top_logprobs: 3 });
  expect(translate({ logprobs: true, top_logprobs: 0 })).not.toHaveProperty("top_logprobs");
});

test("only a schema has digits to keep", () => {
  expect(translateExactFormat("json")).toEqual({});
  expect(translateExactFormat({ const: 1 })).toEqual({
    response_format: { type: "json_schema", json_schema: { name: "answer", schema: { const: 1 } } },
  });
});

test("names lead back to what was sent", () => {
  const table = { response_format: "format", "chat_template_kwargs.x": "think.x", temperature: "options.temperature" };
  for (const [param, own] of Object.entries(table)) expect(nameGeneration(param)).toBe(own);
  expect(nameGeneration("model")).toBe("model");
});

test("what only loads is read as a chat that passes every table", async () => {
  expect(noMessages).toHaveLength(1);
  expect((await readAt("ollama.chat", { model: "chat" })).early).toBeDefined();
});
