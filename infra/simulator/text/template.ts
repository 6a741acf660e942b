import { makeProblem } from "../problems.ts";
import { isRecord } from "./schema.ts";

/** A message as the template sees it. */
export interface Message {
  role: string;
  content: string;
  toolCalls: { name: string; arguments: string }[];
}

/** What is rendered beside the messages. */
export interface Rendering {
  tools: readonly unknown[];
  /** Ends with an opened message of the assistant. */
  hasGenerationPrompt: boolean;
  /** Leaves the last message open, so that the answer goes on in it. */
  isContinued: boolean;
}

const defaultSystem = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";

/** What a template must know of its model. */
interface Reader {
  readonly name: string;
  /** What each medium counts; 0 for a model that takes none. */
  readonly mediaTokens: number;
}

const mediaTypes = ["image_url", "input_image", "input_audio", "audio_url", "video_url"];
/** Stands where a medium was; a token each, and no word of any text. */
const placeholder = "\ufffc";

/**
 * Messages from a request body; content parts are joined by a newline. A medium is as many placeholders as it has
 * tokens. Throws what vLLM answers to images and the like where the model takes none.
 */
export function readMessages(messages: readonly unknown[], model: Reader): Message[] {
  if (messages.some((message) => hasLoneSurrogate(message)))
    throw makeProblem("TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]");
  return messages.map((message) => {
    const fields = isRecord(message) ? message : {};
    const calls = Array.isArray(fields["tool_calls"]) ? fields["tool_calls"] : [];
    return {
      role: String(fields["role"] ?? ""),
      content: readContent(fields["content"], model),
      toolCalls: calls.map((call) => {
        const called = isRecord(call) && isRecord(call["function"]) ? call["function"] : {};
        return { name: String(called["name"] ?? ""), arguments: String(called["arguments"] ?? "{}") };
      }),
    };
  });
}

/** Half a character cannot be encoded, and the tokenizer that vLLM uses says so in its own words. */
const hasLoneSurrogate = (message: unknown): boolean =>
  isRecord(message) && typeof message["content"] === "string" && !message["content"].isWellFormed();

function readContent(content: unknown, { name, mediaTokens }: Reader): string {
  if (!Array.isArray(content)) return typeof content === "string" ? content : "";
  return content
    .map((part) => {
      if (typeof part === "string") return part;
      if (isRecord(part) && typeof part["text"] === "string") return part["text"];
      const isMedium = isRecord(part) && mediaTypes.includes(String(part["type"]));
      if (isMedium && mediaTokens > 0) return placeholder.repeat(mediaTokens);
      throw makeProblem(`${name} is not a multimodal model`);
    })
    .join("\n");
}

/**
 * The prompt of a conversation, as Qwen2.5's ChatML template writes it: five tokens around each message, and a system
 * message when there is none.
 */
export function renderChat(
  messages: readonly Message[],
  { tools, hasGenerationPrompt, isContinued }: Rendering,
): string {
  const [first] = messages;
  const hasSystem = first !== undefined && isSystem(first);
  const system = (hasSystem ? first.content : defaultSystem) + (tools.length > 0 ? renderTools(tools) : "");
  const rendered = (hasSystem ? messages.slice(1) : messages).map(
    (message) => [renderRole(message), renderMessage(message)] as const,
  );
  let prompt = `<|im_start|>system\n${system}<|im_end|>\n`;
  rendered.forEach(([role, text], at) => {
    const isOpen = isContinued && at === rendered.length - 1;
    prompt += `<|im_start|>${role}\n${text}${isOpen ? "" : "<|im_end|>\n"}`;
  });
  return hasGenerationPrompt ? `${prompt}<|im_start|>assistant\n` : prompt;
}

/** The same without tools, as tokenizer_config.json has it: for those who put chats together themselves. */
export const chatTemplate =
  "{% if messages[0].role != 'system' %}<|im_start|>system\n" +
  `${defaultSystem}<|im_end|>\n` +
  "{% endif %}{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n" +
  "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** `developer` is the newer name of the same role. */
const isSystem = ({ role }: Message): boolean => role === "system" || role === "developer";

const renderRole = (message: Message): string =>
  message.role === "tool" ? "user" : isSystem(message) ? "system" : message.role;

function renderMessage({ role, content, toolCalls }: Message): string {
  if (role === "tool") return `<tool_response>\n${content}\n</tool_response>`;
  const calls = toolCalls.map(
    (call) => `\n<tool_call>\n{"name": "${call.name}", "arguments": ${call.arguments}}\n</tool_call>`,
  );
  return content + calls.join("");
}

function renderTools(tools: readonly unknown[]): string {
  return (
    "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n" +
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>" +
    tools.map((tool) => `\n${JSON.stringify(tool)}`).join("") +
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within " +
    "<tool_call></tool_call> XML tags:\n<tool_call>\n" +
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
  );
}
