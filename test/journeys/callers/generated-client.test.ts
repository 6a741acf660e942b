import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";
import { afterAll, expect, inject, test } from "vitest";
import { root } from "#infra/local/stack.ts";
import { worldAt } from "#test/support/stack/world.ts";

/**
 * What a stranger does with `/openapi.json`: they generate a client from it, write a program against its types, compile
 * it strictly, and run it. The program stands here as text, since its types come from the running gateway.
 */
const program = `
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Json = "application/json";
type Code = components["schemas"]["Error"]["error"]["code"];

export async function run(baseUrl: string, key: string, adminKey: string, org: string) {
  const callers = createClient<paths, Json>({ baseUrl, headers: { authorization: "Bearer " + key } });
  const admins = createClient<paths, Json>({ baseUrl, headers: { authorization: "Bearer " + adminKey } });
  const messages = [{ role: "user" as const, content: "Tell me a story" }];

  const whole = await callers.POST("/v1/chat/completions", {
    params: { header: { "Idempotency-Key": "generated-" + org } },
    body: { model: "chat", messages, max_tokens: 5 },
  });
  const content: string | null | undefined = whole.data?.choices[0]?.message.content;
  const tokens: number | undefined = whole.data?.usage.completion_tokens;

  const streamed = await callers.POST("/v1/chat/completions", {
    body: { model: "chat", messages, max_tokens: 5, stream: true },
    parseAs: "text",
  });
  let text = "";
  for (const event of String(streamed.data).split("\\n\\n")) {
    if (!event.startsWith("data: {")) continue;
    const chunk: components["schemas"]["ChatCompletionChunk"] = JSON.parse(event.slice(6));
    text += chunk.choices[0]?.delta.content ?? "";
  }

  const embedded = await callers.POST("/v1/embeddings", { body: { model: "embed", input: ["one", "two"] } });
  const models = await callers.GET("/v1/models");
  const model = await callers.GET("/v1/models/{id}", { params: { path: { id: "chat" } } });
  const token = await callers.POST("/v1/client-tokens", { body: { models: ["chat"] } });
  const byToken = createClient<paths, Json>({ baseUrl, headers: { authorization: "Bearer " + token.data?.token } });
  const seen = await byToken.GET("/v1/models");

  const params = { path: { org } };
  const made = await admins.POST("/control/orgs/{org}/keys", { params, body: { name: "Made by a program" } });
  const listed = await admins.GET("/control/orgs/{org}/keys", { params: { ...params, query: { limit: 10 } } });
  const keyId: string = made.data?.id ?? "";
  const revoked = await admins.POST("/control/orgs/{org}/keys/{key}/revoke", {
    params: { path: { org, key: keyId } },
  });

  const refused = await callers.POST("/v1/chat/completions", { body: { model: "gpt-4", messages } });
  const code: Code | undefined = refused.error?.error.code;
  return {
    content, tokens, text, code,
    dimensions: embedded.data?.data.map(({ embedding }) => embedding.length),
    models: models.data?.data.length,
    model: model.data?.id,
    seen: seen.data?.data.map(({ id }) => id),
    secret: made.data?.secret,
    listed: listed.data?.keys.map(({ id }) => id).includes(keyId),
    state: revoked.data?.state,
  };
}

/** Each of these has to be an error of the compiler. */
export const wrong = (client: ReturnType<typeof createClient<paths, Json>>) => [
  // @ts-expect-error -- no such path
  client.GET("/v1/nothing"),
  // @ts-expect-error -- the model is missing
  client.POST("/v1/chat/completions", { body: { messages: [] } }),
  // @ts-expect-error -- no such role
  client.POST("/v1/chat/completions", { body: { model: "chat", messages: [{ role: "nobody", content: "" }] } }),
  // @ts-expect-error -- no such method
  client.GET("/v1/chat/completions"),
];
`;

const cache = join(root, "node_modules/.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "generated-client-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const world = worldAt(inject("place"));

interface Outcome {
  content: string;
  text: string;
  models: number;
  secret: string;
}

test("a client that is generated from the document compiles strictly, and calls what it describes", async () => {
  const document = await (await fetch(`${world.place.edge}/openapi.json`)).text();
  writeFileSync(join(folder, "schema.d.ts"), astToString(await openapiTS(document)));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "program.ts"), program);
  expect(compile(join(folder, "program.ts"))).toEqual([]);

  // The compiler has held this thread for seconds: connections that were closed meanwhile have to be noticed first.
  await new Promise((done) => setTimeout(done, 100));
  const org = await world.newOrg();
  const { run } = await import(/* @vite-ignore */ pathToFileURL(join(folder, "program.js")).href);
  const outcome: Outcome = await run(world.place.edge, org.key, world.place.adminKey, org.id);
  expect(outcome).toMatchObject({
    tokens: 5,
    code: "model_not_found",
    model: "chat",
    seen: ["Qwen/Qwen2.5-7B-Instruct", "chat"],
    listed: true,
    state: "revoked",
  });
  expect(outcome).toHaveProperty("dimensions.length", 2);
  expect(outcome.content.length).toBeGreaterThan(0);
  expect(outcome.text.length).toBeGreaterThan(0);
  expect(outcome.models).toBeGreaterThan(1);
  expect(outcome.secret).toMatch(/^sk-pen-/);
});

/** Compiles next to the source; returns what the compiler has to say. */
function compile(file: string): string[] {
  const compiled = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
  });
  const { diagnostics } = compiled.emit();
  return [...ts.getPreEmitDiagnostics(compiled), ...diagnostics].map(({ messageText, start, file: at }) => {
    const line = at && start !== undefined ? at.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
}
