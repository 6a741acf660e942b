import type { z } from "zod";
import { cohereRerankPath, endpointPaths, nodePaths, type CallEndpoint } from "../agreements/paths.ts";
import { LeakReport } from "../control/http/leaks.ts";
import { TokenBody } from "../identity/index.ts";
import { MessagesBody } from "../protocol/anthropic/members.ts";
import {
  ChatBody,
  CompletionsBody,
  EmbeddingsBody,
  ImagesBody,
  RerankBody,
  ScoreBody,
  SpeechBody,
  Text2SqlBody,
  TranscriptionBody,
  TranslationBody,
} from "../protocol/openai/requests.ts";
import { ResponsesBody } from "../protocol/openai/responses/members.ts";
import { OllamaChatRequest, OllamaEmbedRequest, OllamaGenerateRequest } from "../protocol/ollama/requests.ts";
import { OllamaShowBody } from "../protocol/ollama/models.ts";
import {
  CountMessagesRequest,
  CountResponseRequest,
  DetokenizeRequest,
  TokenizeRequest,
} from "../protocol/tokenizer/bodies.ts";
import { listControlRoutes } from "./control.ts";
import { sitePaths } from "./site-paths.ts";
import type { Operation, DoorRoute } from "./route.ts";

/** What callers with an inference key reach, from a server or from a page. */
const caller = { door: "site", auth: "apiKey", endpoint: null, isCounted: true, hasCors: true } as const;
/** The same of what a model's tokenizer answers. */
const tokenizer = { ...caller, needsNode: true } as const;
/** What anybody reads. */
const open = { ...caller, auth: "none", hasCors: false } as const;
/** Probes must hear that we are alive, however many they are. */
const probe = { ...open, isCounted: false } as const;
/** What nodes send is signed. */
const node = { ...probe, door: "nodes", auth: "nodeSignature" } as const;

/**
 * All that the edge answers, one row for each path. Which door serves it, who is counted, what `Allow` says, where
 * slips in an address lead and what the OpenAPI document tells: all of it follows from here. A new path is one row, and
 * what answers it.
 */
export const routes: readonly DoorRoute[] = [
  modelCall("chat.completions", name("createChatCompletion", "Chat completion, streamed or whole", ChatBody)),
  modelCall("completions", name("createCompletion", "Text completion, streamed or whole", CompletionsBody)),
  modelCall("embeddings", name("createEmbedding", "Embeddings", EmbeddingsBody)),
  modelCall("text2sql", name("createText2Sql", "Chat completion by the text-to-SQL model", Text2SqlBody)),
  modelCall("messages", name("createMessage", "A message in Anthropic's form, streamed or whole", MessagesBody)),
  modelCall("responses", name("createResponse", "OpenAI's Responses API, streamed or whole", ResponsesBody)),
  {
    path: sitePaths.response,
    ...caller,
    operations: {
      GET: name("showResponse", "A stored response"),
      DELETE: name("deleteResponse", "Delete a stored response"),
    },
  },
  {
    path: sitePaths.responseItems,
    ...caller,
    operations: { GET: name("listResponseItems", "The items that a stored response was made of") },
  },
  {
    path: sitePaths.responseCancel,
    ...caller,
    operations: { POST: name("cancelResponse", "No response is made in the background: 400") },
  },
  modelCall("ollama.chat", name("ollamaChat", "Chat in Ollama's API, streamed or whole", OllamaChatRequest)),
  modelCall("ollama.generate", name("ollamaGenerate", "Answer to a prompt in Ollama's API", OllamaGenerateRequest)),
  modelCall("ollama.embed", name("ollamaEmbed", "Embeddings in Ollama's API", OllamaEmbedRequest)),
  {
    ...modelCall("ollama.embed", name("ollamaEmbeddings", "One embedding, as older clients ask", OllamaEmbedRequest)),
    path: "/api/embeddings",
  },
  ...listOllamaRoutes(),
  modelCall("rerank", name("createRerank", "Documents in the order in which they answer a query", RerankBody)),
  {
    ...modelCall("rerank", name("createRerankV2", "The same at the address that Cohere's clients use", RerankBody)),
    path: cohereRerankPath,
  },
  modelCall("score", name("createScore", "How well texts fit each other", ScoreBody)),
  modelCall("audio.transcriptions", name("createTranscription", "What is said in a sound", TranscriptionBody)),
  modelCall("audio.translations", name("createTranslation", "The same, in English", TranslationBody)),
  modelCall("audio.speech", name("createSpeech", "A text, spoken", SpeechBody)),
  modelCall("images.generations", name("createImage", "Pictures after a description", ImagesBody)),
  { path: sitePaths.models, ...caller, operations: { GET: name("listModels", "The models that the key may use") } },
  {
    path: sitePaths.model,
    ...caller,
    operations: { GET: name("showModel", "One model, by its id or an alias") },
  },
  {
    path: sitePaths.countMessages,
    ...tokenizer,
    operations: { POST: name("countMessageTokens", "How long a message's prompt is", CountMessagesRequest) },
  },
  {
    path: sitePaths.countResponse,
    ...tokenizer,
    operations: { POST: name("countResponseTokens", "How long a response's prompt is", CountResponseRequest) },
  },
  {
    path: sitePaths.tokenize,
    ...tokenizer,
    operations: { POST: name("tokenize", "The tokens of a text or a chat", TokenizeRequest) },
  },
  {
    path: sitePaths.detokenize,
    ...tokenizer,
    operations: { POST: name("detokenize", "The text of tokens", DetokenizeRequest) },
  },
  {
    path: sitePaths.tokenizerInfo,
    ...tokenizer,
    operations: { GET: name("showTokenizer", "What a model's tokenizer is like") },
  },
  {
    path: sitePaths.clientTokens,
    ...caller,
    operations: {
      POST: name("createClientToken", "A short-lived token for browsers and apps, narrower than the key", TokenBody),
    },
  },
  {
    path: sitePaths.leaks,
    ...open,
    operations: { POST: name("reportLeaks", "A signed report of leaked keys, in GitHub's form", LeakReport) },
  },
  { path: sitePaths.welcome, ...open, operations: { GET: name("showWelcome", "Where the API is") } },
  { path: sitePaths.openApi, ...open, operations: { GET: name("showOpenApi", "This document") } },
  {
    path: sitePaths.health,
    ...open,
    operations: { GET: name("showHealth", "How many nodes are ready for each model") },
  },
  { path: sitePaths.livez, ...probe, operations: { GET: name("showLiveness", "The gateway runs") } },
  { path: sitePaths.readyz, ...probe, operations: { GET: name("showReadiness", "The gateway is configured") } },
  { path: nodePaths.usage, ...node, operations: { POST: name("sendUsage", "A node's records of usage") } },
  { path: nodePaths.heartbeat, ...node, operations: { POST: name("sendHeartbeat", "A node's heartbeat") } },
  ...listControlRoutes(),
];

const literal = new Map(routes.filter(({ path }) => !path.includes("{")).map((route) => [route.path, route]));
const patterns = routes
  .filter(({ path }) => path.includes("{"))
  .map((route) => ({ route, pattern: new RegExp(`^${route.path.replace(/\{[^}]+\}/g, matchStep)}$`) }));

/** The route of a path as the URL has it, or null. A path must fit to the letter: no slash more, none less. */
export function findRoute(path: string): DoorRoute | null {
  return literal.get(path) ?? patterns.find(({ pattern }) => pattern.test(path))?.route ?? null;
}

function matchStep(step: string): string {
  return step.endsWith("...}") ? "[^/]+(?:/[^/]+)*" : "[^/]+";
}

function name(operationId: string, summary: string, body?: z.ZodType): Operation {
  return { operationId, summary, ...(body && { body }) };
}

/** What Ollama's clients ask beside calls, and what they may not: to change which models there are. */
function listOllamaRoutes(): DoorRoute[] {
  const refused = "the models are set up by whoever runs this gateway.";
  const steps = ["pull", "push", "create", "copy", "delete", "blobs/{digest}"];
  return [
    {
      path: sitePaths.ollamaTags,
      ...caller,
      operations: { GET: name("listOllamaTags", "Models, as Ollama lists them") },
    },
    {
      path: sitePaths.ollamaShow,
      ...caller,
      operations: { POST: name("showOllamaModel", "One model, as Ollama shows it", OllamaShowBody) },
    },
    {
      path: sitePaths.ollamaRunning,
      ...caller,
      operations: { GET: name("listOllamaRunning", "The models that are served now") },
    },
    {
      path: sitePaths.ollamaVersion,
      ...open,
      hasCors: true,
      operations: { GET: name("showOllamaVersion", "The version of Ollama's API") },
    },
    ...steps.map((step) => ({ path: `/api/${step}`, ...open, hasCors: true, operations: {}, refused })),
  ];
}

function modelCall(endpoint: CallEndpoint, operation: Operation): DoorRoute {
  return { path: endpointPaths[endpoint].edge, ...caller, door: "calls", endpoint, operations: { POST: operation } };
}
