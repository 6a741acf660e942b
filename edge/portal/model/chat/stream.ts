/** A part of a streamed answer, as it comes. */
export type ChatPart =
  | { kind: "text"; text: string }
  | { kind: "thought"; text: string }
  | { kind: "usage"; promptTokens: number; completionTokens: number; cachedTokens: number }
  | { kind: "finish"; reason: string }
  | { kind: "failure"; message: string }
  | { kind: "done" };

/**
 * Reads the events of a streamed chat. One that ends without `done` was broken on its way: whoever reads says so,
 * and takes half an answer for no whole one.
 */
export async function* readChat(body: ReadableStream<Uint8Array>): AsyncGenerator<ChatPart> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    rest += decoder.decode(value, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield* readLine(line.trimEnd());
  }
  yield* readLine(rest.trimEnd());
}

function* readLine(line: string): Generator<ChatPart> {
  if (!line.startsWith("data:")) return;
  const payload = line.slice(5).trim();
  if (payload === "[DONE]") {
    yield { kind: "done" };
    return;
  }
  const event = parse(payload);
  if (event === null) return;
  yield* readEvent(event);
}

function* readEvent(event: Fields): Generator<ChatPart> {
  const error = readFields(event["error"]);
  if (error !== null) yield { kind: "failure", message: readText(error["message"]) || "The stream broke." };
  const usage = readFields(event["usage"]);
  if (usage !== null) {
    yield {
      kind: "usage",
      promptTokens: Number(usage["prompt_tokens"] ?? 0),
      completionTokens: Number(usage["completion_tokens"] ?? 0),
      cachedTokens: Number(readFields(usage["prompt_tokens_details"])?.["cached_tokens"] ?? 0),
    };
  }
  const choice = Array.isArray(event["choices"]) ? readFields(event["choices"][0]) : null;
  if (choice === null) return;
  const delta = readFields(choice["delta"]);
  const thought = readText(delta?.["reasoning_content"]) || readText(delta?.["reasoning"]);
  if (thought !== "") yield { kind: "thought", text: thought };
  const text = readText(delta?.["content"]);
  if (text !== "") yield { kind: "text", text };
  const reason = readText(choice["finish_reason"]);
  if (reason !== "") yield { kind: "finish", reason };
}

type Fields = Record<string, unknown>;

function readFields(value: unknown): Fields | null {
  return typeof value === "object" && value !== null ? { ...value } : null;
}

function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function parse(payload: string): Fields | null {
  try {
    return readFields(JSON.parse(payload));
  } catch {
    return null;
  }
}
