import { expect, test } from "vitest";
import { answerSchemas, refer, requestSchemas, writeSchemas } from "#edge/doors/open-api/schemas.ts";

const schemas = writeSchemas();

test("every schema is written under its name, without a mark of how it was made", () => {
  expect(Object.keys(schemas)).toEqual([...Object.keys(requestSchemas), ...Object.keys(answerSchemas)]);
  for (const schema of Object.values(schemas)) {
    expect(schema).toMatchObject({ type: expect.stringMatching(/^(object|array)$/) });
    expect(schema).not.toHaveProperty("$schema");
    expect(schema).not.toHaveProperty("$id");
  }
});

test("a schema inside another is a reference that leads somewhere", () => {
  const references = Array.from(JSON.stringify(schemas).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g));
  expect(references.length).toBeGreaterThan(4);
  for (const [, name] of references) expect(schemas).toHaveProperty([name ?? ""]);
  expect(schemas["ModelList"]).toMatchObject({ properties: { data: { items: refer("ModelCard") } } });
});

test("what a body may leave out is not required; what an answer has is", () => {
  expect(schemas["ClientTokenRequest"]).not.toHaveProperty("required");
  expect(schemas["ChatCompletionRequest"]).toMatchObject({ required: ["model", "messages"] });
  expect(schemas["Text2SqlRequest"]).toMatchObject({ required: ["messages"] });
  expect(schemas["ClientToken"]).toMatchObject({ required: ["object", "token", "expires_at"] });
});
