/**
 * Keys in their order and the types of their values; of a list the shapes of what is in it. Values that only the model
 * decides are left out.
 */
function describeShape(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(describeShape(item))))].slice(0, 1);
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const isEnd = "finish_reason" in value && value.finish_reason !== null;
  return Object.entries(value).map(([key, member]) => [
    key,
    free.has(key) || (isEnd && key === "delta") || isBareText(key, member) ? "free" : describeShape(member),
  ]);
}

/** A delta of text, or of a token whose character is not complete yet. */
const isBareText = (key: string, value: unknown) =>
  key === "delta" && /^\{("content":"[^]*")?\}$/.test(JSON.stringify(value));

/** Members whose form depends on which tokens the model drew; so does the delta with which an answer ends. */
const free = new Set(["top_logprobs", "prompt_logprobs", "stop_reason"]);

/**
 * An answer without what may differ: an error keeps its type, code and param; a stream becomes the kinds of its chunks.
 */
export function describeStructure(status: number, contentType: string | undefined, body: string) {
  const base = { status, contentType };
  if (contentType?.startsWith("text/event-stream")) {
    const events = body.split("\n\n").filter((event) => event !== "" && !event.startsWith(":"));
    const kinds = events.map((event) =>
      event === "data: [DONE]" ? event : JSON.stringify(describeShape(JSON.parse(event.slice(6)))),
    );
    return { ...base, kinds: [...new Set(kinds)].sort(), first: kinds[0], last: kinds.at(-1) };
  }
  if (!contentType?.startsWith("application/json") || body === "") return base;
  const parsed: unknown = JSON.parse(body);
  const error = typeof parsed === "object" && parsed !== null && "error" in parsed ? parsed.error : undefined;
  const facts =
    typeof error === "object" && error !== null
      ? { type: Reflect.get(error, "type"), code: Reflect.get(error, "code"), param: Reflect.get(error, "param") }
      : error;
  return { ...base, shape: describeShape(parsed), facts };
}
