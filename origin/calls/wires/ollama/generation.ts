import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { ollamaForm } from "#edge/protocol/ollama/form.ts";
import type { AnswerContext, AnswerWire, EventTranslator } from "../wire.ts";
import { writeMetrics } from "./metrics.ts";
import { readToolCalls, ToolCallAssembly } from "./tool-calls.ts";

/** What one line tells, or a whole answer: text and reasoning, and calls of tools. */
interface Part {
  content: string;
  thinking: string;
  calls: JsonObject[];
}

/** The members that hold a part: chats have a `message`, generations have them side by side. */
type WritePart = (part: Part) => JsonObject;

const writeMessage: WritePart = ({ content, ...rest }) => ({
  message: { role: "assistant", content, ...writeRest(rest) },
});
const writeResponse: WritePart = ({ content, ...rest }) => ({ response: content, ...writeRest(rest) });

function writeRest({ thinking, calls }: Omit<Part, "content">): JsonObject {
  return { ...(thinking !== "" && { thinking }), ...(calls.length > 0 && { tool_calls: calls }) };
}

/** How answers of `/api/chat` are written (Ollama's docs/api.md). */
export const ollamaChatAnswers: AnswerWire = openWire(writeMessage);
/** How answers of `/api/generate` are written. */
export const ollamaGenerateAnswers: AnswerWire = openWire(writeResponse);

function openWire(write: WritePart): AnswerWire {
  return {
    form: ollamaForm.stream,
    nameAnswer: () => null,
    openTranslator: (context) => new LineTranslator(write, context),
    buildWhole(answer, context) {
      const [choice = {}] = Array.isArray(answer["choices"]) ? answer["choices"].filter(isObject) : [];
      const message = isObject(choice["message"]) ? choice["message"] : {};
      const { calls, broken } = readToolCalls(message["tool_calls"]);
      const part = { ...readTexts(message), calls };
      return {
        ...writeHead(context),
        ...write({ ...part, content: part.content + broken }),
        ...readLogprobs(choice),
        ...writeEnd(choice["finish_reason"], context),
      };
    },
  };
}

/** One line for each chunk that says something; calls of tools come whole, in a line before the last. */
class LineTranslator implements EventTranslator {
  #write: WritePart;
  #context: AnswerContext;
  #calls = new ToolCallAssembly();
  #finish: unknown = null;

  constructor(write: WritePart, context: AnswerContext) {
    this.#write = write;
    this.#context = context;
  }

  begin(): string {
    return "";
  }

  add(choice: JsonObject): string {
    if (typeof choice["finish_reason"] === "string") this.#finish = choice["finish_reason"];
    const delta = isObject(choice["delta"]) ? choice["delta"] : {};
    this.#calls.add(delta);
    const texts = readTexts(delta);
    const logprobs = readLogprobs(choice);
    if (texts.content === "" && texts.thinking === "" && !("logprobs" in logprobs)) return "";
    return this.#line({ ...texts, calls: [] }, { ...logprobs, done: false });
  }

  end(): string {
    const { calls, broken } = this.#calls.read();
    const hasMore = calls.length > 0 || broken !== "";
    const more = hasMore ? this.#line({ content: broken, thinking: "", calls }, { done: false }) : "";
    const nothing = { content: "", thinking: "", calls: [] };
    return more + this.#line(nothing, writeEnd(this.#finish, this.#context));
  }

  #line(part: Part, rest: JsonObject): string {
    return `${JSON.stringify({ ...writeHead(this.#context), ...this.#write(part), ...rest })}\n`;
  }
}

function writeHead({ model, now }: AnswerContext): JsonObject {
  return { model, created_at: new Date(now()).toISOString() };
}

function writeEnd(finish: unknown, context: AnswerContext): JsonObject {
  return { done: true, done_reason: finish === "length" ? "length" : "stop", ...writeMetrics(context) };
}

/** Engines write reasoning under either name, or under both: then they say the same. */
function readTexts({ content, reasoning, reasoning_content }: JsonObject): Pick<Part, "content" | "thinking"> {
  const thinking = typeof reasoning === "string" && reasoning !== "" ? reasoning : reasoning_content;
  return {
    content: typeof content === "string" ? content : "",
    thinking: typeof thinking === "string" ? thinking : "",
  };
}

/** Ollama's form of a token's log-probability is OpenAI's, without the object around the list. */
function readLogprobs({ logprobs }: JsonObject): JsonObject {
  const content = isObject(logprobs) ? logprobs["content"] : null;
  return Array.isArray(content) && content.length > 0 ? { logprobs: content } : {};
}
