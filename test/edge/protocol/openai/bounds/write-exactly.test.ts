import { expect, test } from "vitest";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject } from "#edge/agreements/json.ts";
import { writeExactly } from "#edge/protocol/openai/bounds/write-exactly.ts";
import { readParsedBody } from "#edge/protocol/openai/read-body.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

function read(text: string) {
  const exact = parseExact(text);
  if (!isObject(exact)) throw new TypeError("not an object");
  const parsed = readParsedBody("chat.completions", { json: JSON.parse(text), exact: null }, testModels);
  return { parsed, exact };
}

test("numbers that a double cannot keep go on as they came, and the bound is no smaller for it", () => {
  const digits = "0.10000000000000000555";
  const chat = '"model":"chat","max_tokens":7,"messages":[{"role":"user","content":"hi"}]';
  const { parsed, exact } = read(`{${chat},"seed":1,"temperature":${digits}}`);
  const written = writeExactly(parsed, exact);
  expect(JSON.stringify(written.body)).toContain(`"temperature":${digits}`);
  expect(written.body).toMatchObject({ model: parsed.model.id, max_tokens: 7 });
  expect(written.promptTokensMax).toBeGreaterThanOrEqual(parsed.promptTokensMax);
});

test("a form whose digits make it too large is refused by name", async () => {
  const digits = Array.from({ length: 600 }, (_, at) => `0.1${"1".repeat(56)}${at}`).join(",");
  const shape = `{"type":"number","enum":[${digits}]}`;
  const schema = `{"type":"json_schema","json_schema":{"name":"x","schema":${shape}}}`;
  const { parsed, exact } = read(
    `{"model":"chat","messages":[{"role":"user","content":"hi"}],"response_format":${schema}}`,
  );
  await expectRefusal(() => writeExactly(parsed, exact), "invalid_value", "response_format");
});
