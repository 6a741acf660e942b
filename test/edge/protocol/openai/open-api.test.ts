import { expect, test } from "vitest";

test("the module loads, and describes every engine path by the schema that its calls are parsed with", async () => {
  const { enginePaths } = await import("#edge/protocol/openai/open-api.ts");
  const written: Record<
    string,
    { post?: { requestBody: { content: { "application/json": { schema: { type: string; required?: string[] } } } } } }
  > = JSON.parse(JSON.stringify(enginePaths.paths));
  const required = (path: string) =>
    written[path]?.post?.requestBody.content["application/json"].schema.required?.toSorted();
  expect(required("/v1/chat/completions")).toEqual(["messages", "model"]);
  expect(required("/v1/completions")).toEqual(["model", "prompt"]);
  expect(required("/v1/embeddings")).toEqual(["input", "model"]);
  expect(required("/text2sql")).toEqual(["messages"]);
});
