/**
 * What the bench's origin sends, and so what every caller must receive byte for byte: a whole answer of 713 bytes, or
 * 100 events and `[DONE]`.
 */
export const answerTokens = 100;
/** Ms from one event of a stream to the next. */
export const eventMs = 5;

const wholeBytes = 713;
const id = "chatcmpl-9f0c2d6a4b8e4f7f9a1d3c5e7b9f0a2c";
const model = "Qwen/Qwen2.5-7B-Instruct";

const writeWhole = (content: string) =>
  JSON.stringify({
    id,
    object: "chat.completion",
    created: 1_790_000_000,
    model,
    choices: [{ index: 0, message: { role: "assistant", content }, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: 60, completion_tokens: answerTokens, total_tokens: 60 + answerTokens },
  });

/** The whole answer, 713 bytes of JSON. */
export const jsonAnswer = writeWhole("words ".repeat(200).slice(0, wholeBytes - writeWhole("").length));

/** The 100 events of a stream. */
export const streamEvents = Array.from({ length: answerTokens }, (_, index) => {
  const delta = index === 0 ? { role: "assistant", content: "word" } : { content: ` word${index}` };
  const finish_reason = index === answerTokens - 1 ? "length" : null;
  const event = {
    id,
    object: "chat.completion.chunk",
    created: 1_790_000_000,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  };
  return Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
});

/**
 * The same as vLLM sends it to callers who want usage on every chunk, with the closing chunk that holds usage alone.
 */
export const usageEvents = [
  ...streamEvents.map((event, index) => addUsage(event, index + 1)),
  addUsage(streamEvents[0] ?? Buffer.alloc(0), answerTokens, []),
];

/** What ends a stream. */
export const streamTail = Buffer.from("data: [DONE]\n\n");

/** All bytes of a stream's body. */
export const streamBytes = streamEvents.reduce((sum, event) => sum + event.length, streamTail.length);

function addUsage(event: Buffer, completion: number, choices?: []): Buffer {
  const usage = { prompt_tokens: 60, total_tokens: 60 + completion, completion_tokens: completion };
  const chunk: object = JSON.parse(event.toString().slice("data: ".length));
  return Buffer.from(`data: ${JSON.stringify({ ...chunk, ...(choices && { choices }), usage })}\n\n`);
}

const words =
  "The quick brown fox jumps over the lazy dog while the river runs down to the sea and back again in rain. ";

/** A stream of so many tokens is sent as fast as it is read: 1.6 MB. */
export const floodTokens = 8_000;

/** The same call as a stream at the door of another protocol; its body as a chat is that of `writeCallBody`. */
export function writeForeignBody(endpoint: "messages" | "responses"): string {
  const { messages, max_tokens, ...rest } = JSON.parse(writeCallBody(true));
  return JSON.stringify(
    endpoint === "messages"
      ? { ...rest, messages, max_tokens }
      : { ...rest, input: messages, max_output_tokens: max_tokens },
  );
}

/** A call with a prompt of 200 bytes. `stream` and `max_tokens` must be written as the origin looks for them. */
export function writeCallBody(stream: boolean, tokens = answerTokens): string {
  return JSON.stringify({
    model,
    messages: [{ role: "user", content: words.repeat(2).slice(0, 200) }],
    max_tokens: tokens,
    ...(stream && { stream }),
  });
}
