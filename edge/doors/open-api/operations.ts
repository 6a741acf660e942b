import type { DescribedOperation } from "../../control/http/open-api.ts";
import { itemsPageDefault, itemsPageMax } from "../../agreements/stored-limits.ts";
import { messagesHeaders, servedHeaders } from "../../protocol/headers.ts";
import type { Method, Operation, DoorRoute } from "../route.ts";
import { answerExamples, requestExamples, streamExamples } from "./examples.ts";
import { speechTypes, transcriptTypes } from "../../protocol/media/formats.ts";
import { wires } from "../../protocol/wires/wires.ts";
import { findFamily, listRefusals, referRefusal, writeHeaders } from "./refusals.ts";
import {
  anthropicVersion,
  include,
  writeAnthropicQuery,
  writeCallParameters,
  writePathParameters,
  writeQuery,
} from "./parameters.ts";
import { refer, type AnswerName, type RequestName } from "./schemas.ts";

/** What an operation takes and gives, by the names of the schemas; `stream` is what each event of a stream holds. */
interface Shapes {
  request?: RequestName;
  answer: AnswerName;
  /** What those get who send `anthropic-version`. */
  toAnthropic?: AnswerName;
  parameters?: readonly object[];
  stream?: AnswerName;
  /** How its events come, and how a stream ends, well and badly; OpenAI's way unless it is said. */
  streamWords?: string;
  status?: 201;
  /** The body is a form. */
  isForm?: true;
  /** What the answer may be beside JSON, or in its place, by media type. */
  otherTypes?: readonly string[];
  isNoJson?: true;
  description: string;
}

const transcriptOtherTypes = Array.from(new Set(Object.values(transcriptTypes))).slice(1);
const chat = { answer: "ChatCompletion", stream: "ChatCompletionChunk", description: "The completion." } as const;

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
  createMessage: {
    request: "MessagesRequest",
    answer: "Message",
    stream: "MessageEvent",
    streamWords:
      "With `stream: true`: server-sent events by name, whose `data` is a MessageEvent in JSON; the last is " +
      "`message_stop`. `ping` may come at any time. A stream that fails ends with an event `error`: a MessageError.",
    description: "The message.",
  },
  createResponse: {
    request: "ResponsesRequest",
    answer: "Response",
    stream: "ResponseStreamEvent",
    streamWords:
      "With `stream: true`: server-sent events whose `data` is a ResponseStreamEvent in JSON. The last is " +
      "`response.completed` or `response.incomplete`; no `[DONE]` follows. A stream that fails ends with " +
      "`response.failed`, where its node could say so, and with `error`.",
    description: "The response.",
  },
  showResponse: {
    answer: "Response",
    parameters: [include, writeQuery("stream", "`false`: nothing can be streamed again.", { type: "string" })],
    description: "The response, as it was answered.",
  },
  deleteResponse: { answer: "DeletedResponse", description: "It is deleted." },
  listResponseItems: {
    answer: "ResponseItemList",
    parameters: [
      writeQuery("limit", `How many items, ${itemsPageDefault} unless sent.`, {
        type: "integer",
        minimum: 1,
        maximum: itemsPageMax,
      }),
      writeQuery("order", "`desc` unless sent: the newest first.", { type: "string", enum: ["asc", "desc"] }),
      writeQuery("after", "The items behind the one with this id."),
      include,
    ],
    description: "A page of its input, with the conversation that it goes on from.",
  },
  cancelResponse: {
    answer: "Response",
    description: "Never given: only what runs in the background can be cancelled.",
  },
  createRerank: { request: "RerankRequest", answer: "RerankResult", description: "The documents, the best first." },
  createRerankV2: { request: "RerankRequest", answer: "RerankResult", description: "The documents, the best first." },
  createScore: { request: "ScoreRequest", answer: "ScoreList", description: "One score for each pair." },
  createTranscription: {
    request: "TranscriptionRequest",
    isForm: true,
    answer: "Transcript",
    otherTypes: transcriptOtherTypes,
    description: "The transcript, in the form of `response_format`.",
  },
  createTranslation: {
    request: "TranslationRequest",
    isForm: true,
    answer: "Transcript",
    otherTypes: transcriptOtherTypes,
    description: "The transcript in English, in the form of `response_format`.",
  },
  createSpeech: {
    request: "SpeechRequest",
    answer: "Transcript",
    isNoJson: true,
    otherTypes: [...new Set(Object.values(speechTypes)), "application/octet-stream"],
    description:
      "The sound, as it is made. Where its node fails the connection breaks: nothing ends as if it were whole.",
  },
  createImage: { request: "ImagesRequest", answer: "ImageList", description: "The pictures, in base64." },
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
  reportLeaks: { request: "LeakReport", answer: "LeakLabels", description: "Which of them were keys of ours." },
  showWelcome: { answer: "Welcome", description: "The API's addresses; a page for a browser." },
  showOpenApi: { answer: "OpenApi", description: "An OpenAPI 3.1 document." },
  ollamaChat: { request: "OllamaChatRequest", answer: "OllamaChat", stream: "OllamaChat", description: "The answer." },
  ollamaGenerate: {
    request: "OllamaGenerateRequest",
    answer: "OllamaGeneration",
    stream: "OllamaGeneration",
    description: "The answer.",
  },
  ollamaEmbed: {
    request: "OllamaEmbedRequest",
    answer: "OllamaEmbeddings",
    description: "One embedding for each text.",
  },
  ollamaEmbeddings: { request: "OllamaEmbedRequest", answer: "OllamaEmbeddings", description: "The embedding." },
  listOllamaTags: { answer: "OllamaTags", description: "The models that the key may use." },
  showOllamaModel: { request: "OllamaShowRequest", answer: "OllamaModel", description: "The model." },
  listOllamaRunning: { answer: "OllamaRunning", description: "Those of them that a node serves now." },
  showOllamaVersion: { answer: "OllamaVersion", description: "The version." },
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
        content: {
          [shape.isForm ? "multipart/form-data" : "application/json"]: {
            schema: refer(shape.request),
            ...(example && { example }),
          },
        },
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
  return Object.fromEntries(
    listRefusals(route, method).map((status) => [status, referRefusal(status, findFamily(route))]),
  );
}

function writeAnswer(route: DoorRoute, operationId: string, shape: Shapes) {
  const { answer, toAnthropic, stream, description, otherTypes = [] } = shape;
  const example = operationId === "showHealth" ? undefined : answerExamples[operationId];
  return {
    description,
    headers: writeHeaders({
      ...(route.endpoint && servedHeaders),
      ...(route.endpoint === "messages" && messagesHeaders),
    }),
    content: {
      ...(!shape.isNoJson && {
        "application/json": {
          schema: toAnthropic ? { oneOf: [refer(answer), refer(toAnthropic)] } : refer(answer),
          ...(example && { example }),
        },
      }),
      ...Object.fromEntries(otherTypes.map((type) => [type, { schema: writeText(type) }])),
      ...(stream && writeStream(route, operationId, shape, stream)),
      ...(operationId === "showWelcome" && { "text/html": { schema: { type: "string" } } }),
    },
  };
}

/** Text is text; sound is bytes, which generators know by `binary`. */
function writeText(type: string): object {
  const isText = type.startsWith("text/") || type === transcriptTypes.srt;
  return { type: "string", ...(!isText && { format: "binary" }) };
}

/** How the text of a stream is laid out, by its type; `stream` names the schema. */
const layouts = {
  "text/event-stream": (stream: AnswerName) =>
    `With \`stream: true\`: server-sent events whose \`data\` is a ${stream} in JSON, and at the end \`[DONE]\`. ` +
    "Lines that begin with a colon are comments. A stream that fails ends with an event that holds an Error.",
  "application/x-ndjson": (stream: AnswerName) =>
    `Unless \`stream\` is \`false\`: lines, each of which is a ${stream} in JSON; the last says \`"done": true\`. ` +
    "A stream that fails ends with a line that holds an OllamaError.",
} as const;

/** OpenAPI 3.1 has no word for the events of a stream: the text says it, and `contentSchema` names their schema. */
function writeStream({ endpoint }: DoorRoute, operationId: string, { streamWords }: Shapes, stream: AnswerName) {
  const { contentType } = wires[endpoint ?? "chat.completions"].stream;
  return {
    [contentType]: {
      schema: {
        type: "string",
        description: streamWords ?? layouts[contentType](stream),
        contentMediaType: "application/json",
        contentSchema: refer(stream),
      },
      example: streamExamples[operationId],
    },
  };
}
