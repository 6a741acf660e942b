import { isObject, type JsonObject } from "#edge/agreements/json.ts";

/** What an answer says of its call, in OpenAI's terms; `completion_tokens` only where something is generated. */
export interface ToldUsage {
  prompt_tokens: number;
  completion_tokens?: number;
}

/**
 * Reads what a whole answer or a stream says was used, in the form of any door; null where it says nothing. The last
 * word of a stream is that of the whole.
 */
export function readToldUsage(text: string): ToldUsage | null {
  const told = listEvents(text).flatMap((event) => readOne(event) ?? []);
  return told.at(-1) ?? null;
}

/** The objects of an answer: itself, the lines of NDJSON, or what stands behind `data:`. */
function listEvents(text: string): JsonObject[] {
  const lines = text.trimStart().startsWith("{") ? splitObjects(text) : listData(text);
  return lines.map((line): unknown => JSON.parse(line)).filter(isObject);
}

function splitObjects(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.every((line) => line.startsWith("{") && line.endsWith("}")) ? lines : [text];
}

function listData(text: string): string[] {
  const data = text.split("\n").filter((line) => line.startsWith("data: {"));
  return data.map((line) => line.slice("data: ".length));
}

function readOne(event: JsonObject): ToldUsage | null {
  if (typeof event["prompt_eval_count"] === "number") return write(event["prompt_eval_count"], event["eval_count"]);
  const holder = isObject(event["response"]) ? event["response"] : event;
  const { usage } = holder;
  if (!isObject(usage)) return null;
  if (typeof usage["prompt_tokens"] === "number") return write(usage["prompt_tokens"], usage["completion_tokens"]);
  if (typeof usage["input_tokens"] !== "number") return null;
  const cached = ["cache_read_input_tokens", "cache_creation_input_tokens"].map((name) => usage[name]);
  const prompt = [usage["input_tokens"], ...cached].reduce<number>((sum, one) => sum + (Number(one) || 0), 0);
  return write(prompt, usage["output_tokens"]);
}

function write(prompt: number, completion: unknown): ToldUsage {
  return { prompt_tokens: prompt, ...(typeof completion === "number" && { completion_tokens: completion }) };
}
