import { expect, test } from "vitest";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject } from "#edge/agreements/json.ts";
import { readParsedBody } from "#edge/protocol/openai/read-body.ts";
import { testModels } from "#test/support/fakes/models.ts";

const read = (text: string) => {
  const exact = parseExact(text);
  return readParsedBody(
    "chat.completions",
    { json: JSON.parse(text), exact: isObject(exact) ? exact : null },
    testModels,
  );
};

test("numbers keep their digits wherever they stand, and what was left out stays out", () => {
  const tool = '{"type":"function","function":{"name":"f","parameters":{"const":2512292042121000001}}';
  const message = '{"role":"user","content":"hi","x":1.10}';
  const text = `{"model":"chat","messages":[${message}],"tools":[${tool},"strange":1.10}],"temperature":1.10}`;
  const { body, ignored } = read(text);
  expect(JSON.stringify(body)).toContain(`"tools":[${tool}}]`);
  expect(JSON.stringify(body)).toContain('"temperature":1.10');
  expect(body["messages"]).toEqual([{ role: "user", content: "hi" }]);
  expect(ignored.headers).toEqual({ "x-penstock-ignored": "tools[].strange,messages[].x" });
});

test("a body of text2sql goes to the model that serves it, with scores and forms told from the rest", () => {
  const json = { messages: [{ role: "user", content: "hi" }], prompt_logprobs: 1, max_tokens: 1 };
  const parsed = readParsedBody("text2sql", { json, exact: null }, testModels);
  expect(parsed.model.aliases).toContain("text2sql");
  expect([parsed.isScored, parsed.compileSeconds]).toEqual([true, 0]);
});
