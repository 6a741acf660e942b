import { expect, test } from "vitest";
import { writeOpenApi } from "#edge/doors/open-api/document.ts";
import { writeReference, type ReadDocument } from "#infra/portal/docs/reference-markdown.ts";
import { listNamed, writeShape } from "#infra/portal/docs/type-text.ts";

const document: ReadDocument = JSON.parse(JSON.stringify(writeOpenApi()));
const pages = writeReference(document);
const operations = Object.entries(document.paths ?? {}).flatMap(([path, of]) =>
  Object.keys(of).map((verb) => `${verb.toUpperCase()} ${path}`),
);

test("every operation stands in the list and, with who may and what is answered, on one page of its group", () => {
  const [list, ...groups] = pages;
  const headings = groups.flatMap(({ markdown }) =>
    Array.from(markdown.matchAll(/^## ([A-Z]+ \/.*)$/gm), ([, name]) => name),
  );
  expect(headings.toSorted()).toEqual(operations.toSorted());
  for (const operation of operations) expect(list?.markdown).toContain(`- \`${operation}\``);
  const inference = groups.find(({ twin }) => twin === "/docs/reference/inference.md")?.markdown ?? "";
  const chat = inference.slice(inference.indexOf("## POST /v1/chat"), inference.indexOf("## POST /v1/completions"));
  expect(chat).toContain("By `apiKey`");
  expect(chat).toContain("- header `Idempotency-Key`?: string");
  expect(chat).toContain("Body, `application/json`: ChatCompletionRequest");
  expect(chat).toMatch(/- 200: .*`text\/event-stream` string/);
  expect(chat).toMatch(/- refused: 400, 401, .*503/);
});

test("each group has a summary, and every shape that its page names stands on it", () => {
  for (const { title, summary, markdown } of pages.slice(1)) {
    expect(summary, title).not.toBe("");
    const defined = Array.from(markdown.matchAll(/^type (\w+) =/gm), ([, name]) => name);
    const bodies = Array.from(markdown.matchAll(/^Body, `[^`]+`: ([A-Z]\w+)$/gm), ([, name]) => name);
    expect(
      bodies.filter((name) => !defined.includes(name)),
      title,
    ).toEqual([]);
  }
});

test.each([
  [{ type: "string" }, "string"],
  [{ type: ["integer", "null"] }, "number | null"],
  [{ enum: ["a", 1] }, '"a" | 1'],
  [{ const: "x" }, '"x"'],
  [{ $ref: "#/components/schemas/Key" }, "Key"],
  [{ type: "array", items: { anyOf: [{ type: "string" }, { type: "number" }] } }, "(string | number)[]"],
  [{ allOf: [{ $ref: "#/a/One" }, { $ref: "#/a/Other" }] }, "One & Other"],
  [{}, "unknown"],
  [{ type: "object" }, "object"],
  [
    {
      type: "object",
      required: ["id"],
      properties: {
        id: { type: "string", format: "date-time" },
        "x-y": { type: "integer", minimum: 1, maximum: 9, description: "How many." },
      },
      additionalProperties: { type: "boolean" },
    },
    '{\n  id: string; // date-time\n  "x-y"?: number; // How many. 1 to 9\n  [name: string]: boolean;\n}',
  ],
])("the shape of %j", (schema, text) => {
  expect(writeShape(schema)).toBe(text);
});

test("what is named by what is named is found, once, in a circle too", () => {
  const all = {
    A: { properties: { b: { $ref: "#/components/schemas/B" } } },
    B: { items: { $ref: "#/components/schemas/A" } },
    C: {},
  };
  expect(listNamed([{ $ref: "#/components/schemas/A" }], all)).toEqual(["A", "B"]);
});
