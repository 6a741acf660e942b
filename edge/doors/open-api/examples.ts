import { writeEvent as writeResponseEvent } from "../../protocol/openai/responses/wire.ts";
import { windowNames } from "../../agreements/records/windows.ts";
import { writeEvent } from "../../protocol/anthropic/stream.ts";
import { ollamaVersion } from "../../protocol/ollama/models.ts";

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

const message = {
  id: "msg_0123456789abcdef",
  type: "message",
  role: "assistant",
  model: "chat",
  content: [{ type: "text", text: "Hello there!" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 3 },
};
const messageEvents = [
  { type: "message_start", message: { ...message, content: [], stop_reason: null } },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello there!" } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: message.usage },
  { type: "message_stop" },
];
const responseHead = {
  id: "resp_0123456789abcdefghijkl",
  object: "response",
  created_at: created,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: 64,
  model: "chat",
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  store: false,
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: null,
  truncation: "disabled",
  metadata: {},
};
const spoken = {
  id: "msg_0123456789abcdefghijkl_0",
  type: "message",
  status: "completed",
  role: "assistant",
  content: [{ type: "output_text", annotations: [], logprobs: [], text: "Hello there!" }],
};
const response = {
  ...responseHead,
  status: "completed",
  output: [spoken],
  usage: {
    input_tokens: 12,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: 3,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 15,
  },
};
const inputItem = {
  id: "msg_0123456789abcdefghijkl_in0",
  type: "message",
  role: "user",
  content: [{ type: "input_text", text: "Say hello." }],
};
const ofPart = { item_id: spoken.id, output_index: 0, content_index: 0 };
const responseEvents = [
  { type: "response.created", response: { ...responseHead, status: "in_progress", output: [], usage: null } },
  { type: "response.output_item.added", output_index: 0, item: { ...spoken, status: "in_progress", content: [] } },
  { type: "response.output_text.delta", ...ofPart, delta: "Hello there!", logprobs: [] },
  { type: "response.output_item.done", output_index: 0, item: spoken },
  { type: "response.completed", response },
].map((event, index) => ({ ...event, sequence_number: index }));
const ollamaHead = { model: "chat", created_at: "2026-11-29T12:00:00.000Z" };
const ollamaEnd = {
  done: true,
  done_reason: "stop",
  total_duration: 412_000_000,
  load_duration: 0,
  prompt_eval_count: 12,
  prompt_eval_duration: 88_000_000,
  eval_count: 3,
  eval_duration: 324_000_000,
};
const inMessage = (content: string) => ({ message: { role: "assistant", content } });
const inResponse = (response: string) => ({ response });

const spend = { interval: "month", currency: "USD", threshold_amount: 50_000 };
const alert = { ...spend, notification_channel: { type: "email", recipients: [] } };

/** An example of what is sent, by operation. */
export const requestExamples: Readonly<Record<string, object>> = {
  createChatCompletion: { model: "chat", messages, max_tokens: 64 },
  createCompletion: { model: "chat", prompt: "Once upon a time", max_tokens: 16 },
  createEmbedding: { model: "embed", input: ["First text", "Second text"] },
  createRerank: rerank,
  createRerankV2: rerank,
  createScore: { model: "rerank", text_1: "What is a well?", text_2: ["A hole with water.", "A bird."] },
  createSpeech: { model: "tts", input: "Hello there!", voice: "alloy", response_format: "wav" },
  createImage: { model: "image", prompt: "A deep well at night", n: 1 },
  createText2Sql: { messages: [{ role: "user", content: "How many orders came in today?" }] },
  createMessage: { model: "chat", max_tokens: 64, messages },
  createResponse: { model: "chat", input: "Say hello.", max_output_tokens: 64 },
  ollamaChat: { model: "chat", messages, options: { num_predict: 64 } },
  ollamaGenerate: { model: "chat", prompt: "Say hello.", stream: false },
  ollamaEmbed: { model: "embed", input: ["First text", "Second text"] },
  ollamaEmbeddings: { model: "embed", prompt: "First text" },
  showOllamaModel: { model: "chat" },
  countMessageTokens: { model: "chat", messages },
  countResponseTokens: { model: "chat", input: "Say hello." },
  tokenize: { model: "chat", prompt: "Hello there!" },
  detokenize: { model: "chat", tokens: [1, 2, 3] },
  createClientToken: { expires_in: 600, models: ["chat"] },
  createOrg: { name: "Example" },
  moveOrg: { placement: "own" },
  retainResponses: { hours: 24 },
  changeOrg: { name: "Example Ltd" },
  createKey: { name: "Website", models: ["chat"], limits: { [windowNames[0] ?? ""]: 60 } },
  changeKey: { name: "Website", limits: { [windowNames[0] ?? ""]: 120 } },
  rotateKey: { overlapSeconds: 3_600 },
  changeMember: { role: "viewer" },
  createInvitation: { email: "ada@example.test", role: "developer" },
  acceptInvitation: { token: "FAKE-invitation-token" },
  createProject: { name: "Assistant" },
  changeProject: { isArchived: true },
  createServiceAccount: { name: "Nightly batch" },
  changeServiceAccount: { name: "Hourly batch" },
  createBudget: { amountMicros: 500_000_000, sharesPercent: [50, 80, 100], isStop: true },
  changeBudget: { amountMicros: 800_000_000 },
  setPrice: { model: "chat", tier: "shared", promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 600_000 },
  addOperator: { email: "ada@example.test" },
  sendSignInCode: { email: "ada@example.test" },
  signInWithCode: { email: "ada@example.test", code: "123456", name: "Ada" },
  signInWithTotp: { code: "123456" },
  signInWithBackupCode: { code: "abcde-12345" },
  signInWithPasskey: { credential: { id: "AAAA", type: "public-key" } },
  findCompanyLogin: { email: "ada@example.com" },
  createCompanyLogin: {
    name: "Company",
    issuer: "https://id.example.com",
    clientId: "penstock",
    secret: "example-only",
    provesSecondFactor: true,
    defaultRole: "developer",
  },
  changeCompanyLogin: { isRequired: true },
  addLoginDomain: { domain: "example.com" },
  proveLoginDomain: {},
  signInWithOidc: { provider: "company", next: "/portal/" },
  renameMe: { name: "Ada" },
  addPasskey: { name: "Laptop", credential: { id: "AAAA", type: "public-key" } },
  confirmSecondFactor: { code: "123456" },
  createWebhook: { url: "https://hooks.example.com/penstock", types: ["key.leaked", "key.revoked"] },
  changeWebhook: { isEnabled: false },
  rotateWebhook: { overlapSeconds: 86_400 },
  openaiCreateProject: { name: "Assistant" },
  openaiUpdateProject: { name: "Assistant" },
  openaiUpdateRateLimit: { max_requests_per_1_minute: 60 },
  openaiUpdateProjectApiKey: { expires_in_seconds: 86_400 },
  openaiCreateServiceAccount: { name: "Nightly batch" },
  openaiUpdateServiceAccount: { name: "Hourly batch" },
  openaiCreateServiceAccountApiKey: { name: "Nightly batch", expires_in_seconds: 86_400 },
  openaiUpdateProjectDataRetention: { retention_type: "organization_default" },
  openaiUpdateUser: { role: "reader" },
  openaiAssignUserRole: { role_id: "role_billing" },
  openaiCreateInvite: { email: "ada@example.test", role: "reader" },
  openaiCreateAdminApiKey: { name: "Automation", expires_in_seconds: 86_400 },
  openaiUpdateOrganizationSpendLimit: spend,
  openaiUpdateProjectSpendLimit: spend,
  openaiCreateOrganizationSpendAlert: alert,
  openaiUpdateOrganizationSpendAlert: alert,
  openaiCreateProjectSpendAlert: alert,
  openaiUpdateProjectSpendAlert: alert,
  openaiUpdateDataRetention: { retention_type: "zero_data_retention" },
  reportLeaks: [{ token: "sk-pen-…", type: "penstock_api_key", url: "https://code.example.com/x", source: "content" }],
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
  createMessage: message,
  createEmbedding: {
    object: "list",
    model: "embed",
    data: [{ index: 0, object: "embedding", embedding: [0.125, -0.5] }],
    usage: { prompt_tokens: 4, total_tokens: 4 },
  },
  createResponse: response,
  ollamaChat: { ...ollamaHead, ...inMessage("Hello there!"), ...ollamaEnd },
  ollamaGenerate: { ...ollamaHead, ...inResponse("Hello there!"), ...ollamaEnd },
  ollamaEmbed: { model: "embed", embeddings: [[0.125, -0.5]], prompt_eval_count: 4 },
  ollamaEmbeddings: { embedding: [0.125, -0.5] },
  showOllamaVersion: { version: ollamaVersion },
  createRerank: ranked,
  createRerankV2: ranked,
  createScore: {
    id: "score-0123456789abcdef",
    object: "list",
    model: "rerank",
    data: [{ index: 0, object: "score", score: 0.93 }],
    usage: { prompt_tokens: 9, total_tokens: 9 },
  },
  showResponse: { ...response, store: true },
  deleteResponse: { id: response.id, object: "response", deleted: true },
  listResponseItems: {
    object: "list",
    data: [inputItem],
    first_id: inputItem.id,
    last_id: inputItem.id,
    has_more: false,
  },
  createTranscription: { text: "Hello there!", usage: { type: "duration", seconds: 2 } },
  createTranslation: { text: "Hello there!", usage: { type: "duration", seconds: 2 } },
  createImage: { created, data: [{ b64_json: "iVBORw0KGgo=" }] },
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
  createMessage: messageEvents.map(writeEvent).join(""),
  createResponse: responseEvents.map(writeResponseEvent).join(""),
  ollamaChat: writeLines(inMessage),
  ollamaGenerate: writeLines(inResponse),
};

function writeLines(write: (text: string) => object): string {
  const lines = [
    { ...ollamaHead, ...write("Hello there!"), done: false },
    { ...ollamaHead, ...write(""), ...ollamaEnd },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function writeStream(events: object[]): string {
  return `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`;
}
