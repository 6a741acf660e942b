import type { DescribedOperation } from "../../control/http/open-api.ts";
import { callHeaders, servedHeaders } from "../../protocol/headers.ts";
import type { Method, Operation, DoorRoute } from "../route.ts";
import { answerExamples, requestExamples, streamExamples } from "./examples.ts";
import { listRefusals, referRefusal, writeHeaders } from "./refusals.ts";
import { refer, type AnswerName, type RequestName } from "./schemas.ts";

/** What an operation takes and gives, by the names of the schemas; `stream` is what each event of a stream holds. */
interface Shapes {
  request?: RequestName;
  answer: AnswerName;
  /** What those get who send `anthropic-version`. */
  toAnthropic?: AnswerName;
  parameters?: readonly object[];
  stream?: AnswerName;
  status?: 201;
  description: string;
}

const chat = { answer: "ChatCompletion", stream: "ChatCompletionChunk", description: "The completion." } as const;

const anthropicVersion = {
  name: "anthropic-version",
  in: "header",
  required: false,
  description: "Sent by Anthropic's clients; the answer is then in their form.",
  schema: { type: "string" },
};

/** Of every operation that is not the control plane's, which tells its own. */
export const shapes: Readonly<Record<string, Shapes>> = {
  createChatCompletion: { request: "ChatCompletionRequest", ...chat },
  createText2Sql: { request: "Text2SqlRequest", ...chat },
  createCompletion: {
    request: "CompletionRequest",
    answer: "TextCompletion",
    stream: "TextCompletionChunk",
    description: "The completion.",
  },
  createEmbedding: {
    request: "EmbeddingRequest",
    answer: "EmbeddingList",
    description: "One embedding for each text.",
  },
  createRerank: { request: "RerankRequest", answer: "RerankResult", description: "The documents, the best first." },
  createRerankV2: { request: "RerankRequest", answer: "RerankResult", description: "The documents, the best first." },
  createScore: { request: "ScoreRequest", answer: "ScoreList", description: "One score for each pair." },
  listModels: {
    answer: "ModelList",
    toAnthropic: "AnthropicModelPage",
    parameters: [
      writeAnthropicQuery("limit", "How many models, 20 unless sent.", { type: "integer", minimum: 1, maximum: 1_000 }),
      writeAnthropicQuery("after_id", "The models right behind this one."),
      writeAnthropicQuery("before_id", "The models right before this one."),
      anthropicVersion,
    ],
    description: "The models; of those that chat a page in Anthropic's form for whoever sends `anthropic-version`.",
  },
  showModel: {
    answer: "ModelCard",
    toAnthropic: "AnthropicModel",
    parameters: [anthropicVersion],
    description: "The model; in Anthropic's form for whoever sends `anthropic-version`.",
  },
  countMessageTokens: { request: "CountMessagesRequest", answer: "MessageTokenCount", description: "The count." },
  countResponseTokens: { request: "CountResponseRequest", answer: "ResponseTokenCount", description: "The count." },
  tokenize: { request: "TokenizeRequest", answer: "TokenizeAnswer", description: "The tokens." },
  detokenize: { request: "DetokenizeRequest", answer: "DetokenizeAnswer", description: "The text." },
  showTokenizer: {
    answer: "TokenizerTraits",
    parameters: [
      {
        name: "model",
        in: "query",
        required: false,
        description: "May be left out where the key may use one model only.",
        schema: { type: "string" },
      },
    ],
    description: "What programs need that count or put chats together themselves.",
  },
  createClientToken: {
    request: "ClientTokenRequest",
    answer: "ClientToken",
    status: 201,
    description: "The token, shown this once.",
  },
  showWelcome: { answer: "Welcome", description: "The API's addresses; a page for a browser." },
  showOpenApi: { answer: "OpenApi", description: "An OpenAPI 3.1 document." },
  showHealth: { answer: "Health", description: "At least one model is served." },
  showLiveness: { answer: "Liveness", description: "It runs." },
  showReadiness: { answer: "Readiness", description: "It is configured." },
};

/** One operation as the document describes it. Throws on one whose shapes nobody told. */
export function writeOperation(
  route: DoorRoute,
  method: Method,
  { operationId, summary }: Operation,
): DescribedOperation {
  const shape = shapes[operationId];
  if (!shape) throw new RangeError(`the document does not know ${operationId}`);
  const { auth, endpoint } = route;
  const parameters = [
    ...writePathParameters(route.path),
    ...(shape.parameters ?? []),
    ...(endpoint ? writeCallParameters() : []),
  ];
  const example = requestExamples[operationId];
  return {
    operationId,
    summary,
    tags: [auth === "none" ? "site" : "inference"],
    security: auth === "none" ? [] : [{ apiKey: [] }, { apiKeyHeader: [] }, { azureKeyHeader: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(shape.request && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: refer(shape.request), ...(example && { example }) } },
      },
    }),
    responses: {
      [shape.status ?? 200]: writeAnswer(route, operationId, shape),
      ...(operationId === "showHealth" && {
        503: { ...writeAnswer(route, operationId, shape), description: "No model is served." },
      }),
      ...writeRefused(route, method),
    },
  };
}

/** References to what an operation may be refused with, by status. */
export function writeRefused(route: DoorRoute, method: Method): Record<string, object> {
  return Object.fromEntries(listRefusals(route, method).map((status) => [status, referRefusal(status)]));
}

function writeAnswer(route: DoorRoute, operationId: string, { answer, toAnthropic, stream, description }: Shapes) {
  const example = operationId === "showHealth" ? undefined : answerExamples[operationId];
  return {
    description,
    headers: writeHeaders(route.endpoint ? servedHeaders : {}),
    content: {
      "application/json": {
        schema: toAnthropic ? { oneOf: [refer(answer), refer(toAnthropic)] } : refer(answer),
        ...(example && { example }),
      },
      ...(stream && { "text/event-stream": writeStream(operationId, stream) }),
      ...(operationId === "showWelcome" && { "text/html": { schema: { type: "string" } } }),
    },
  };
}

/** OpenAPI 3.1 has no word for the events of a stream: the text says it, and `contentSchema` names their schema. */
function writeStream(operationId: string, stream: AnswerName) {
  return {
    schema: {
      type: "string",
      description:
        `With \`stream: true\`: server-sent events whose \`data\` is a ${stream} in JSON, and at the end \`[DONE]\`. ` +
        "Lines that begin with a colon are comments. A stream that fails ends with an event that holds an Error.",
      contentMediaType: "application/json",
      contentSchema: refer(stream),
    },
    example: streamExamples[operationId],
  };
}

function writeAnthropicQuery(name: string, what: string, schema: object = { type: "string" }) {
  return { name, in: "query", required: false, description: `${what} With \`anthropic-version\` alone.`, schema };
}

function writePathParameters(path: string): object[] {
  return Array.from(path.matchAll(/\{(\w+)[.]*\}/g), ([, name]) => ({
    name,
    in: "path",
    required: true,
    description: "Slashes may stand as they are.",
    schema: { type: "string", minLength: 1 },
  }));
}

function writeCallParameters(): object[] {
  return Object.entries(callHeaders).map(([name, fact]) => ({ name, in: "header", required: false, ...fact }));
}
