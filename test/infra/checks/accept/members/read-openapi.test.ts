import { expect, test } from "vitest";
import { readEngineMembers, trimOpenApi } from "#infra/checks/accept/members/read-openapi.ts";

const request = (schema: unknown) => ({
  post: { requestBody: { content: { "application/json": { schema } } } },
});

const document = {
  openapi: "3.1.0",
  info: { title: "x" },
  paths: {
    "/v1/completions": request({ anyOf: [{ $ref: "#/components/schemas/One" }, { $ref: "#/components/schemas/Two" }] }),
    "/v1/other": request({ $ref: "#/components/schemas/Other" }),
  },
  components: {
    schemas: {
      One: {
        title: "One",
        properties: {
          prompt: { type: "string", title: "Prompt" },
          title: { type: "string", description: "a member of that name" },
          parts: { items: { oneOf: [{ $ref: "#/components/schemas/Part" }, { type: "null" }] } },
        },
      },
      Two: { allOf: [{ properties: { more: { enum: ["a", "b", 1] } } }] },
      Part: { properties: { type: { const: "text" }, again: { $ref: "#/components/schemas/Part" } } },
      Other: { properties: { hidden: {} } },
    },
  },
};

test("the members of a request are those of all its alternatives, with what they hold", () => {
  const found = readEngineMembers(document);
  const names = (place: string) => Array.from(found.get(place)?.names ?? []);
  expect(names("completions")).toEqual(["prompt", "title", "parts", "more"]);
  expect(names("completions.parts[]")).toEqual(["type", "again"]);
  expect(Array.from(found.get("completions.parts[].type")?.values ?? [])).toEqual(["text"]);
  expect(Array.from(found.get("completions.more")?.values ?? [])).toEqual(["a", "b"]);
  expect(found.has("completions.parts[].again")).toBe(false);
});

test("a document without our requests, or with one that shows no members, is no answer", () => {
  expect(() => readEngineMembers({ paths: {} })).toThrow(RangeError);
  expect(() => readEngineMembers(null)).toThrow(RangeError);
  expect(() => readEngineMembers({ paths: { "/tokenize": request({ type: "object" }) } })).toThrow("/tokenize");
});

test("what is trimmed says the same of our requests, and nothing else", () => {
  const trimmed = trimOpenApi(document);
  expect(readEngineMembers(trimmed)).toEqual(readEngineMembers(document));
  expect(JSON.stringify(trimmed)).not.toMatch(/hidden|a member of that name|"One","prop/);
  expect(trimmed).not.toHaveProperty("info");
});
