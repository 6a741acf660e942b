import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createControlRoutes } from "#edge/control/http/routes.ts";
import { TokenBody } from "#edge/identity/client-token.ts";
import { createFieldRefusal } from "#edge/protocol/fields.ts";
import { describeIssue, writeIssue } from "#edge/protocol/issues.ts";
import { ChatBody, Text2SqlBody } from "#edge/protocol/openai/members/chat.ts";
import { CompletionsBody } from "#edge/protocol/openai/members/completions.ts";
import { EmbeddingsBody } from "#edge/protocol/openai/members/embeddings.ts";

const speakEnglish = (issue: z.core.$ZodIssue): unknown => z.locales.en().localeError(Object(issue));

/** All that a schema finds wrong, inside the branches of unions too. */
function collectIssues(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => [
    issue,
    ...(issue.code === "invalid_union" ? issue.errors.flatMap(collectIssues) : []),
  ]);
}

const issuesOf = (schema: z.ZodType, value: unknown) =>
  collectIssues(schema.safeParse(value, { reportInput: true }).error?.issues ?? []);

describe("each kind of issue has a sentence of ours", () => {
  const kinds: [z.core.$ZodIssue["code"], z.ZodType, unknown, string][] = [
    ["invalid_type", z.string(), 1, "must be a string"],
    ["invalid_type", z.int(), 1.5, "must be a whole number"],
    ["invalid_type", z.string(), undefined, "is required"],
    ["invalid_type", z.symbol(), 1, "must be of another type"],
    ["invalid_value", z.enum(["a", "b", "c"]), "d", 'must be "a", "b" or "c"'],
    ["invalid_value", z.literal(5), 6, "must be 5"],
    ["too_big", z.number().max(2), 3, "must be at most 2"],
    ["too_big", z.number().lt(2), 2, "must be less than 2"],
    ["too_big", z.string().max(2), "abc", "must have at most 2 characters"],
    ["too_big", z.array(z.int()).max(1), [1, 2], "must have at most 1 item"],
    ["too_big", z.string().length(2), "abc", "must have 2 characters"],
    ["too_small", z.number().min(2), 1, "must be at least 2"],
    ["too_small", z.number().gt(2), 2, "must be more than 2"],
    ["too_small", z.string().min(1), "", "must not be empty"],
    ["too_small", z.array(z.int()).min(2), [], "must have at least 2 items"],
    ["not_multiple_of", z.number().multipleOf(5), 3, "must be a multiple of 5"],
    ["invalid_format", z.iso.datetime(), "x", "must be an ISO 8601 date-time"],
    ["invalid_format", z.string().regex(/secret/), "x", "must have another form"],
    ["invalid_format", z.string().startsWith("sk-"), "x", "must begin with 'sk-'"],
    ["invalid_format", z.string().endsWith("!"), "x", "must end with '!'"],
    ["invalid_format", z.string().includes("?"), "x", "must contain '?'"],
    ["unrecognized_keys", z.strictObject({}), { a: 1 }, "must not have members of other names"],
    ["invalid_key", z.record(z.string().regex(/^\d+$/), z.int()), { a: 1 }, "must not have a member of this name"],
    ["invalid_element", z.map(z.date(), z.int()), new Map([[new Date(0), "b"]]), "must not have an item of this kind"],
    ["invalid_union", z.union([z.string(), z.array(z.int())]), 5, "must be a string or a list"],
    ["invalid_union", z.union([z.string(), z.int()]), undefined, "is required"],
    ["custom", z.custom<string>(() => false), 1, "must have another value"],
  ];
  for (const [code, schema, value, phrase] of kinds) {
    test(`${code}: ${phrase}`, () => {
      const issues = issuesOf(schema, value);
      expect(issues.map((issue) => issue.code)).toContain(code);
      expect(issues[0]?.message).toBe(phrase);
      for (const issue of issues) expect(issue.message).not.toBe(speakEnglish(issue));
    });
  }

  test("and what a later version of the library adds is named in general words", () => {
    expect(describeIssue(Object({ code: "brand_new", input: 1 }))).toBe("must have another value");
  });
});

const bodies = Object.entries({ ChatBody, Text2SqlBody, CompletionsBody, EmbeddingsBody, TokenBody });
const controls = createControlRoutes().openAPIRegistry.definitions.flatMap((definition) => {
  if (definition.type !== "route") return [];
  const { method, path, request } = definition.route;
  const body = Object(request?.body?.content?.["application/json"]).schema;
  return [body, request?.query].flatMap((schema): [string, unknown][] =>
    schema ? [[`${method} ${path}`, schema]] : [],
  );
});
const hostile: unknown[] = [
  undefined,
  null,
  "",
  "x".repeat(100_000),
  -1,
  1.5,
  1e300,
  true,
  [],
  [5],
  ["x", "x"],
  [{}],
  [{ type: "x", content: 5 }],
  {},
  { type: "x" },
  { x: 1, limit: -1 },
  ["2026-13-45"],
];

test("there are schemas of the control API to look at", () => expect(controls.length).toBeGreaterThan(8));

for (const [name, schema] of [...bodies, ...controls]) {
  test(`${name}: nothing that it refuses is named in the library's words`, () => {
    if (!(schema instanceof z.ZodType)) throw new Error("no schema");
    const shape = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    const inputs = [
      ...hostile,
      ...[...shape, "stranger"].flatMap((member) => hostile.map((value) => ({ [member]: value }))),
    ];
    let count = 0;
    for (const input of inputs) {
      const parsed = schema.safeParse(input, { reportInput: true });
      if (parsed.success) continue;
      for (const issue of collectIssues(parsed.error.issues)) {
        count++;
        expect(issue.message, JSON.stringify(issue.path)).not.toBe(speakEnglish(issue));
        expect(issue.message).not.toMatch(/^(Too (big|small)|Invalid|Unrecognized)|expected|>=|<=/);
      }
      expect(createFieldRefusal(parsed.error).details.message).toMatch(
        /^('[^']+'|The body)(: | must | is | has ).*\.$/s,
      );
    }
    expect(count).toBeGreaterThan(0);
  });
}

test("a phrase follows the field's name, and a sentence stays one", () => {
  expect(writeIssue("n", "must be at most 8")).toBe("'n' must be at most 8.");
  expect(writeIssue(null, "must be an object")).toBe("The body must be an object.");
  expect(writeIssue("since", "Give a date.")).toBe("'since': Give a date.");
});
