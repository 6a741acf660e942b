import { z } from "zod";

/** The endpoints that engines know. `text2sql` is chat-shaped with a model of its own by default. */
export const EngineEndpoint = z.enum([
  "chat.completions",
  "completions",
  "embeddings",
  "text2sql",
  "rerank",
  "score",
  "audio.transcriptions",
  "audio.translations",
  "audio.speech",
  "images.generations",
]);
export type EngineEndpoint = z.infer<typeof EngineEndpoint>;

/** The endpoints of other protocols, each of which is read as one that engines know (protocol/wires). */
export const ForeignEndpoint = z.enum(["responses", "messages", "ollama.chat", "ollama.generate", "ollama.embed"]);
export type ForeignEndpoint = z.infer<typeof ForeignEndpoint>;

/** Every endpoint that calls a model, as its callers know it. */
export const CallEndpoint = z.enum([...EngineEndpoint.options, ...ForeignEndpoint.options]);
export type CallEndpoint = z.infer<typeof CallEndpoint>;

/** Where each endpoint is found: at the edge, and on the agent (and the engine, whose paths those are). */
export const endpointPaths = {
  "chat.completions": { edge: "/v1/chat/completions", agent: "/v1/chat/completions" },
  completions: { edge: "/v1/completions", agent: "/v1/completions" },
  embeddings: { edge: "/v1/embeddings", agent: "/v1/embeddings" },
  text2sql: { edge: "/text2sql", agent: "/v1/chat/completions" },
  rerank: { edge: "/v1/rerank", agent: "/v1/rerank" },
  score: { edge: "/v1/score", agent: "/v1/score" },
  "audio.transcriptions": { edge: "/v1/audio/transcriptions", agent: "/v1/audio/transcriptions" },
  "audio.translations": { edge: "/v1/audio/translations", agent: "/v1/audio/translations" },
  "audio.speech": { edge: "/v1/audio/speech", agent: "/v1/audio/speech" },
  "images.generations": { edge: "/v1/images/generations", agent: "/v1/images/generations" },
  responses: { edge: "/v1/responses", agent: "/v1/chat/completions" },
  messages: { edge: "/v1/messages", agent: "/v1/chat/completions" },
  "ollama.chat": { edge: "/api/chat", agent: "/v1/chat/completions" },
  "ollama.generate": { edge: "/api/generate", agent: "/v1/chat/completions" },
  "ollama.embed": { edge: "/api/embed", agent: "/v1/embeddings" },
} as const satisfies Record<CallEndpoint, { edge: string; agent: string }>;

/** Where Cohere's clients look for `rerank`, beside the path that all others use. */
export const cohereRerankPath = "/v2/rerank";

/** The path of an inference call, the same on the agent and on the engine. */
export type CallPath = (typeof endpointPaths)[CallEndpoint]["agent"];

/** The endpoint that a call of another protocol is read as: its body, its models, what it holds. */
const readAs: Readonly<Record<ForeignEndpoint, EngineEndpoint>> = {
  responses: "chat.completions",
  messages: "chat.completions",
  "ollama.chat": "chat.completions",
  "ollama.generate": "chat.completions",
  "ollama.embed": "embeddings",
};

/**
 * Where an agent has its engine's tokenizer asked: how long the prompt is of a call that the edge is to admit; and, by
 * callers, how long a prompt is, which tokens it has, which text tokens are, and what the tokenizer is like.
 */
export const tokenizerPaths = {
  count: "/tokenize",
  length: "/tokenizer/length",
  tokens: "/tokenizer/tokens",
  text: "/tokenizer/text",
  traits: "/tokenizer/traits",
} as const;
/** One of them. */
export type TokenizerPath = (typeof tokenizerPaths)[keyof typeof tokenizerPaths];

/** Is this an endpoint of another protocol? Asked on every call, so without a schema. */
export function isForeign(endpoint: string): endpoint is ForeignEndpoint {
  return Object.hasOwn(readAs, endpoint);
}

/** The endpoint that an engine knows the call by. */
export function findEngineEndpoint(endpoint: CallEndpoint): EngineEndpoint {
  return isForeign(endpoint) ? readAs[endpoint] : endpoint;
}

/**
 * The member of a body between edge and agent that says what an answer of another protocol has to repeat of its
 * request; no caller can send it, and no engine sees it.
 */
export const answerMember = "penstock_answer";

/** The member that holds a call's prompt. */
export type PromptField = "messages" | "prompt" | "input" | "documents" | "text_2" | "file";

/**
 * What sets the calls of one path apart: the member that holds the prompt, the member that holds the answer, and the
 * `object` of a stream's chunks, which is null where nothing is generated.
 */
export const callPaths: Readonly<
  Record<
    CallPath,
    { prompt: PromptField; answer: string; chunkObject: string | null; endpoints: readonly CallEndpoint[] }
  >
> = {
  "/v1/chat/completions": {
    prompt: "messages",
    answer: "choices",
    chunkObject: "chat.completion.chunk",
    endpoints: listEndpoints("/v1/chat/completions"),
  },
  "/v1/completions": {
    prompt: "prompt",
    answer: "choices",
    chunkObject: "text_completion",
    endpoints: listEndpoints("/v1/completions"),
  },
  "/v1/embeddings": {
    prompt: "input",
    answer: "data",
    chunkObject: null,
    endpoints: listEndpoints("/v1/embeddings"),
  },
  "/v1/rerank": {
    prompt: "documents",
    answer: "results",
    chunkObject: null,
    endpoints: listEndpoints("/v1/rerank"),
  },
  "/v1/score": {
    prompt: "text_2",
    answer: "data",
    chunkObject: null,
    endpoints: listEndpoints("/v1/score"),
  },
  "/v1/audio/transcriptions": {
    prompt: "file",
    answer: "text",
    chunkObject: null,
    endpoints: listEndpoints("/v1/audio/transcriptions"),
  },
  "/v1/audio/translations": {
    prompt: "file",
    answer: "text",
    chunkObject: null,
    endpoints: listEndpoints("/v1/audio/translations"),
  },
  "/v1/audio/speech": {
    prompt: "input",
    answer: "audio",
    chunkObject: null,
    endpoints: listEndpoints("/v1/audio/speech"),
  },
  "/v1/images/generations": {
    prompt: "prompt",
    answer: "data",
    chunkObject: null,
    endpoints: listEndpoints("/v1/images/generations"),
  },
};

/** Every path of a call, for tables that have a row for each. */
export const callPathNames = Object.values(endpointPaths)
  .map(({ agent }) => agent)
  .filter((path, at, all) => all.indexOf(path) === at);

function listEndpoints(path: CallPath): CallEndpoint[] {
  return CallEndpoint.options.filter((endpoint) => endpointPaths[endpoint].agent === path);
}

/** Is this the path of chats, whose prompt is made of messages? */
export function isChat(path: CallPath): boolean {
  return callPaths[path].prompt === "messages";
}

/** The paths of calls that are measured in seconds, characters or images: what goes in or comes out is no text. */
const mediaPaths = [
  endpointPaths["audio.transcriptions"].agent,
  endpointPaths["audio.translations"].agent,
  endpointPaths["audio.speech"].agent,
  endpointPaths["images.generations"].agent,
] as const;
/** One of them. */
export type MediaPath = (typeof mediaPaths)[number];
const isListed: ReadonlySet<string> = new Set(mediaPaths);

/** Is this the path of calls with sound or pictures? */
export function isMedia(path: CallPath): path is MediaPath {
  return isListed.has(path);
}

/** Does a call at this path bring a file, so that its body is a form? */
export function takesFile(path: CallPath): boolean {
  return callPaths[path].prompt === "file";
}

/** Where nodes tell the edge what was used, and how they are. */
export const nodePaths = { usage: "/origin/usage", heartbeat: "/origin/heartbeat" } as const;
