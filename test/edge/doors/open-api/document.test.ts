import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, test } from "vitest";
import { writeOpenApi } from "#edge/doors/open-api/document.ts";
import { routes } from "#edge/doors/routes.ts";
import { refusals } from "#edge/errors.ts";

interface Schema {
  $ref?: string;
  allOf?: Schema[];
  additionalProperties?: unknown;
}
interface Described {
  operationId: string;
  summary: string;
  security?: object[];
  requestBody?: { content: Record<string, { schema: object; example?: object }> };
  responses: Record<string, { content?: Record<string, { schema: object }>; headers?: object; $ref?: string }>;
}
interface Written {
  paths: Record<string, Record<string, Described>>;
  components: Record<string, Record<string, { properties?: Record<string, { properties: Record<string, unknown> }> }>>;
}

const text = JSON.stringify(writeOpenApi());
const written: Written = JSON.parse(text);
const operations = Object.entries(written.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]) => ({ path, verb, operation })),
);

async function lint(source: string) {
  const config = await createConfig({ extends: ["recommended-strict"] });
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
}

describe("the OpenAPI document", () => {
  test("has no finding of a public linter, by its strict recommendations", async () => {
    expect(await lint(text)).toEqual([]);
  });

  test("is really looked at by that linter", async () => {
    const spoiled: Written = JSON.parse(text);
    const call = spoiled.paths["/v1/chat/completions"]?.["post"];
    Object.assign(call ?? {}, { operationId: "listModels", responses: {} });
    const found = (await lint(JSON.stringify(spoiled))).join("\n");
    for (const rule of ["operation-operationId-unique", "operation-2xx-response", "operation-4xx-response"])
      expect(found).toContain(rule);
  });

  test("describes every operation of the route table, but for what nodes send", () => {
    const expected = routes
      .filter(({ door, isUndocumented }) => door !== "nodes" && !isUndocumented)
      .flatMap(({ path, operations: told }) =>
        Object.entries(told).map(([method, { operationId }]) => {
          return `${method.toLowerCase()} ${path.replace("...}", "}")} ${operationId}`;
        }),
      );
    const described = operations.map(({ path, verb, operation }) => `${verb} ${path} ${operation.operationId}`);
    expect(described.toSorted()).toEqual(expected.toSorted());
    expect(text).not.toContain("/origin/");
  });

  test("has no schema of closed objects joined: what one of them takes, the other refuses", () => {
    const schemas = written.components["schemas"] ?? {};
    const follow = (schema: Schema): Schema => {
      const named: object | undefined = schemas[schema.$ref?.split("/").at(-1) ?? ""];
      return named ?? schema;
    };
    const findJoined = (value: unknown, path: string): string[] => {
      if (typeof value !== "object" || value === null) return [];
      const { allOf = [] }: Schema = value;
      const isJoined = allOf.length > 1 && allOf.some((part) => follow(part).additionalProperties === false);
      const below = Object.entries(value).flatMap(([name, inner]) => findJoined(inner, `${path}/${name}`));
      return isJoined ? [path, ...below] : below;
    };
    expect(findJoined({ a: { allOf: [{ $ref: "#/components/schemas/Key" }, {}] } }, "")).toEqual(["/a"]);
    expect(findJoined(written, "")).toEqual([]);
  });

  test("is the same on every call", () => {
    expect(JSON.stringify(writeOpenApi())).toBe(text);
  });

  test("has a schema for every answer and every body, and none that accepts anything", () => {
    for (const { path, operation } of operations) {
      const contents = [operation.requestBody?.content, ...Object.values(operation.responses).map((r) => r.content)];
      for (const content of contents) {
        if (!content) continue;
        for (const { schema } of Object.values(content)) expect([path, Object.keys(schema)]).not.toEqual([path, []]);
      }
      const success = Object.keys(operation.responses).filter((status) => status.startsWith("2"));
      expect([path, success.length]).toEqual([path, 1]);
      const others: Record<string, string> = {
        createSpeech: "audio/wav",
        exportAudit: "application/jsonl",
        exportUsage: "text/csv",
      };
      const type = others[operation.operationId] ?? "application/json";
      expect(operation.responses[success[0] ?? ""]?.content).toHaveProperty([type]);
      expect(operation.responses[success[0] ?? ""]?.headers).toHaveProperty(["x-request-id"]);
    }
    for (const name of ["messages", "tools", "logit_bias"])
      expect(written.components["schemas"]?.["ChatCompletionRequest"]?.properties?.[name]).not.toEqual({});
  });

  test("names refusals by their status, and no operation has one for all the rest", () => {
    for (const { path, operation } of operations) {
      expect([path, operation.responses]).not.toHaveProperty([1, "default"]);
      const refused = Object.keys(operation.responses).filter((status) => /^[45]/.test(status));
      expect(refused).toContain("405");
      for (const status of refused.filter((name) => name !== "503" || path !== "/health"))
        expect(operation.responses[status]?.$ref).toMatch(
          new RegExp(`^#/components/responses/(Messages|Ollama|Models)?Refused${status}$`),
        );
    }
  });

  test("closes the list of error codes, and shows each under its status", () => {
    const error = written.components["schemas"]?.["Error"]?.properties?.["error"];
    expect(error?.properties["code"]).toMatchObject({ enum: Object.keys(refusals) });
    for (const [code, { status }] of Object.entries(refusals)) {
      const answer = written.components["responses"]?.[`Refused${status}`];
      expect(answer).toHaveProperty(["content", "application/json", "examples", code, "value", "error", "code"], code);
    }
  });

  test("states defaults in prose: generators take a member with a default for one that must be sent", () => {
    expect(text).not.toContain('"default":');
    expect(written.components["schemas"]?.["ClientTokenRequest"]?.properties?.["expires_in"]).toMatchObject({
      description: "600 where it is not sent.",
    });
  });

  test("shows an example of every body that must be sent", () => {
    const bare = operations.filter(({ operation }) => {
      const json = operation.requestBody?.content["application/json"];
      return json && !json.example && !JSON.stringify(json.schema).includes('"properties":{}');
    });
    expect(bare.map(({ operation }) => operation.operationId)).toEqual([]);
  });

  test("says what a caller has to show, and shows nothing that looks like a real key", () => {
    for (const { path, operation } of operations.filter(
      ({ path }) => !/^\/(control|auth|v1\/organization)\//.test(path),
    )) {
      const isOpen = ["/", "/openapi.json", "/health", "/livez", "/readyz", "/api/version", "/leaks"].includes(path);
      expect([path, operation.security?.length]).toEqual([path, isOpen ? 0 : 3]);
    }
    expect(text).not.toMatch(/sk-pen-(admin-)?[0-9A-Za-z]{16}/);
  });
});
