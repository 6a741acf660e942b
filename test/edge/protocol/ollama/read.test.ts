import { expect, test } from "vitest";
import { OptionsBody } from "#edge/protocol/ollama/options.ts";
import {
  buildLoaded,
  nameGeneration,
  noMessages,
  readOllamaBody,
  resolveName,
  translateExactFormat,
  translateGeneration,
} from "#edge/protocol/ollama/read.ts";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { readAt } from "./world.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

test("a name means the model of that name, or the one that has the usual tag more or less", () => {
  const models = [
    { id: "a/chat", aliases: ["chat"] },
    { id: "own:latest", aliases: [] },
    { id: "both", aliases: ["both:latest", "b:7b"] },
  ];
  const table: [string, string][] = [
    ["chat", "chat"],
    ["chat:latest", "chat"],
    ["a/chat:latest", "a/chat"],
    ["own", "own:latest"],
    ["own:latest", "own:latest"],
    ["both:latest", "both:latest"],
    ["b:7b:latest", "b:7b"],
    ["chat:latest:latest", "chat:latest:latest"],
    ["nobody:latest", "nobody:latest"],
    [":latest", ":latest"],
  ];
  for (const [name, meant] of table) expect([name, resolveName(name, models)]).toEqual([name, meant]);
});

test("what only loads is done, or unloads where it is to be kept for no time", () => {
  const reason = (keepAlive: unknown) => buildLoaded({ response: "" }, keepAlive)("m", 0)["done_reason"];
  for (const value of [0, "0", "0s", "0.0h", "00ms"]) expect([value, reason(value)]).toEqual([value, "unload"]);
  for (const value of [-1, 5, "5m", "", "-1", "s", undefined, null])
    expect([value, reason(value)]).toEqual([value, "load"]);
  expect(buildLoaded({ response: "" }, null)("m", 0)).toEqual({
    model: "m",
    created_at: "1970-01-01T00:00:00.000Z",
    response: "",
    done: true,
    done_reason: "load",
  });
});

test("a body that is none is refused; a null in it says nothing", async () => {
  const read = (json: unknown) => readOllamaBody(OptionsBody, { json, table: {}, ignored: new IgnoredMembers() });
  for (const json of [[], "x", 3, null]) await expectRefusal(() => read(json), "invalid_value");
  expect(read({ temperature: null })).toEqual({});
});

test("levels of log-probabilities without any are none", () => {
  const translate = (wishes: object) => translateGeneration({ model: "m", ...wishes }, [], new IgnoredMembers());
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
