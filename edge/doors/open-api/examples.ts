import { windowNames } from "../../agreements/records/windows.ts";

const created = 1_790_000_000;
const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
const messages = [{ role: "user", content: "Say hello." }];
const chatHead = { id: "chatcmpl-0123456789abcdef", created, model: "chat" };
const textHead = { id: "cmpl-0123456789abcdef", object: "text_completion", created, model: "chat" };

const rerank = { model: "rerank", query: "What is a well?", documents: ["A bird.", "A hole with water."], top_n: 1 };
const ranked = {
  id: "rerank-0123456789abcdef",
  model: "rerank",
  usage: { prompt_tokens: 18, total_tokens: 18 },
  results: [{ index: 1, document: { text: "A hole with water." }, relevance_score: 0.93 }],
};
const chat = {
  ...chatHead,
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello there!" }, finish_reason: "stop" }],
  usage,
};
const chatEvents = [
  { delta: { role: "assistant", content: "" }, finish_reason: null },
  { delta: { content: "Hello there!" }, finish_reason: null },
  { delta: {}, finish_reason: "stop" },
].map((choice) => ({ ...chatHead, object: "chat.completion.chunk", choices: [{ index: 0, ...choice }] }));

/** An example of what is sent, by operation. */
export const requestExamples: Readonly<Record<string, object>> = {
  createChatCompletion: { model: "chat", messages, max_tokens: 64 },
  createCompletion: { model: "chat", prompt: "Once upon a time", max_tokens: 16 },
  createEmbedding: { model: "embed", input: ["First text", "Second text"] },
  createRerank: rerank,
  createRerankV2: rerank,
  createScore: { model: "rerank", text_1: "What is a well?", text_2: ["A hole with water.", "A bird."] },
  createText2Sql: { messages: [{ role: "user", content: "How many orders came in today?" }] },
  countMessageTokens: { model: "chat", messages },
  countResponseTokens: { model: "chat", input: "Say hello." },
  tokenize: { model: "chat", prompt: "Hello there!" },
  detokenize: { model: "chat", tokens: [1, 2, 3] },
  createClientToken: { expires_in: 600, models: ["chat"] },
  createOrg: { name: "Example" },
  moveOrg: { placement: "own" },
  changeOrg: { name: "Example Ltd" },
  createKey: { name: "Website", models: ["chat"], limits: { [windowNames[0] ?? ""]: 60 } },
  changeKey: { name: "Website", limits: { [windowNames[0] ?? ""]: 120 } },
  rotateKey: { overlapSeconds: 3_600 },
};

/** An example of what is answered, by operation. */
export const answerExamples: Readonly<Record<string, object>> = {
  createChatCompletion: chat,
  createText2Sql: chat,
  createCompletion: {
    ...textHead,
    choices: [{ index: 0, text: " there was a well.", finish_reason: "stop" }],
    usage,
  },
  createEmbedding: {
    object: "list",
    model: "embed",
    data: [{ index: 0, object: "embedding", embedding: [0.125, -0.5] }],
    usage: { prompt_tokens: 4, total_tokens: 4 },
  },
  createRerank: ranked,
  createRerankV2: ranked,
  createScore: {
    id: "score-0123456789abcdef",
    object: "list",
    model: "rerank",
    data: [{ index: 0, object: "score", score: 0.93 }],
    usage: { prompt_tokens: 9, total_tokens: 9 },
  },
  countMessageTokens: { input_tokens: 12 },
  countResponseTokens: { object: "response.input_tokens", input_tokens: 12 },
  createClientToken: { object: "client_token", token: "eyJ.example.only", expires_at: created },
  showHealth: { status: "healthy", backends: { chat: 2 } },
};

/** An example of a stream, by operation: the text as it comes. */
export const streamExamples: Readonly<Record<string, string>> = {
  createChatCompletion: writeStream(chatEvents),
  createText2Sql: writeStream(chatEvents),
  createCompletion: writeStream([
    { ...textHead, choices: [{ index: 0, text: " there was a well.", finish_reason: "stop" }] },
  ]),
};

function writeStream(events: object[]): string {
  return `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`;
}
