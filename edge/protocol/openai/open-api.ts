import { z } from "zod";
import { ChatBody, Text2SqlBody } from "./chat.ts";
import { CompletionsBody, EmbeddingsBody } from "./completions.ts";

const tags = ["inference"];
const answered = { description: "The engine's answer, in OpenAI's shape; `text/event-stream` when `stream` is true" };
const refused = {
  description: "A refusal in OpenAI's error envelope",
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
};

/** OpenAPI paths of the data plane; the bodies come from the very schemas that calls are parsed with. */
export const enginePaths = {
  paths: {
    "/v1/chat/completions": call("Chat completion, streamed or whole", ChatBody),
    "/v1/completions": call("Text completion, streamed or whole", CompletionsBody),
    "/v1/embeddings": call("Embeddings", EmbeddingsBody),
    "/text2sql": call("Chat completion by the text-to-SQL model", Text2SqlBody),
    "/v1/client-tokens": { post: read("A short-lived token for browsers and apps, narrower than the key", true) },
    "/v1/models": { get: read("The models that the key may use", true) },
    "/v1/models/{id}": {
      get: {
        ...read("One model", true),
        parameters: [{ name: "id", in: "path" as const, required: true, schema: { type: "string" as const } }],
      },
    },
    "/health": { get: read("Which nodes are ready for each model", false) },
    "/livez": { get: read("The gateway runs", false) },
    "/readyz": { get: read("The gateway is configured", false) },
  },
};

function call(summary: string, body: z.ZodType) {
  const { $schema: _, ...schema } = z.toJSONSchema(body, { io: "input", unrepresentable: "any" });
  return {
    post: {
      tags,
      summary,
      security: [{ apiKey: [] }],
      requestBody: {
        required: true,
        content: { "application/json": { schema: { ...schema, type: "object" as const } } },
      },
      responses: { 200: answered, default: refused },
    },
  };
}

function read(summary: string, needsKey: boolean) {
  return {
    tags,
    summary,
    security: needsKey ? [{ apiKey: [] }] : [],
    responses: { 200: { description: "As said" }, default: refused },
  };
}
