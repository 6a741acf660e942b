import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import type { NativeProtocol } from "#infra/checks/accept/protocols/questions.ts";
import { listEvents, type Exchange, type SentEvent } from "./exchange.ts";

/** One thing that vLLM's own endpoint has otherwise than the translation; `at` is a path that begins with a type. */
export interface Found {
  at: string;
  vllm: string;
  ours: string;
}

/** Objects that are told by their own type wherever they stand, so that a difference of theirs is one. */
const tagged: Readonly<Record<NativeProtocol, ReadonlySet<unknown>>> = {
  responses: new Set(["response", "message", "output_text", "function_call", "reasoning", "reasoning_text"]),
  messages: new Set(["message", "text", "thinking", "tool_use", "text_delta", "thinking_delta", "input_json_delta"]),
};

/** Members of which only the kind can be compared: ids, times, words for people, the engine's own arithmetic. */
const free: ReadonlySet<string> = new Set(["created_at", "completed_at", "signature", "logprob", "sequence_number"]);
/** What a cache had depends on who asked before, and orgs have caches apart. */
const cached: ReadonlySet<string> = new Set([
  "cached_tokens",
  "cache_write_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
]);
const errorWords: ReadonlySet<string> = new Set(["message", "param", "code"]);
const ids = /(^|_)id$/;

/** Compares what vLLM's endpoint and ours said to one question. Where one refused it, nothing else is compared. */
export function compareExchanges(protocol: NativeProtocol, vllm: Exchange, ours: Exchange): Found[] {
  const [one, other] = [tellEnd(vllm), tellEnd(ours)];
  if (one !== other) return [{ at: "end", vllm: one, ours: other }];
  const of = new Comparison(protocol);
  if (vllm.blocks && ours.blocks) of.compareStreams(listEvents(vllm), listEvents(ours));
  else of.compare(vllm.status < 400 ? "answer" : "refusal", JSON.parse(vllm.body ?? ""), JSON.parse(ours.body ?? ""));
  const seen = new Set<string>();
  return of.found.filter((one) => {
    const key = writeFound(one);
    return !seen.has(key) && seen.add(key);
  });
}

/** How a question ended: whether it was answered, in which form, and whether the answer came to its end. */
function tellEnd(exchange: Exchange): string {
  const { status, contentType, blocks, isCut } = exchange;
  const first = blocks && listEvents(exchange)[0]?.type;
  const broken = isCut ? ", then the connection closes" : first === "error" ? ", then an error event alone" : "";
  return `${status} ${contentType}${broken}`;
}

/** One line, by which differences are the same. */
export function writeFound({ at, vllm, ours }: Found): string {
  return `${at} | ${vllm} | ${ours}`;
}

class Comparison {
  readonly found: Found[] = [];
  #protocol: NativeProtocol;

  constructor(protocol: NativeProtocol) {
    this.#protocol = protocol;
  }

  compare(path: string, vllm: unknown, ours: unknown): void {
    if (isObject(vllm) && isObject(ours)) return this.#compareObjects(this.#rename(path, vllm, ours), vllm, ours);
    if (Array.isArray(vllm) && Array.isArray(ours)) return this.#compareLists(path, vllm, ours);
    this.compareScalars(path, vllm, ours);
  }

  compareScalars(path: string, vllm: unknown, ours: unknown): void {
    const name = path.split(".").at(-1) ?? "";
    const isWord = path.startsWith("refusal") ? errorWords.has(name) : name === "message";
    const isFree = isWord || free.has(name) || cached.has(name);
    if (isFree && typeof vllm === typeof ours) return;
    const told = ids.test(name) ? [writeId(vllm), writeId(ours)] : [describe(vllm, isFree), describe(ours, isFree)];
    if (told[0] !== told[1]) this.#tell(path, ...told);
    else if (!ids.test(name) && JSON.stringify(vllm) !== JSON.stringify(ours)) this.#tell(path, "one value", "another");
  }

  /** Streams by their events' types and members; how a text is cut into deltas is nobody's promise. */
  compareStreams(vllm: SentEvent[], ours: SentEvent[]): void {
    if (this.#protocol === "responses") {
      this.compareScalars("numbers of events", tellNumbers(vllm), tellNumbers(ours));
      this.compareScalars("items of events", tellItems(vllm), tellItems(ours));
    }
    const [one, other] = [joinDeltas(vllm), joinDeltas(ours)];
    const pairs = align(one.map(nameEvent), other.map(nameEvent));
    for (const [at, to] of pairs) {
      const [left, right] = [one[at ?? -1], other[to ?? -1]];
      if (left && right) this.compare(left.type, left.data, right.data);
      else this.#tell(`event ${nameEvent(left ?? right)}`, left ? "sent" : "not sent", right ? "sent" : "not sent");
    }
  }

  #compareObjects(path: string, vllm: JsonObject, ours: JsonObject): void {
    const [one, other] = [sumInput(vllm), sumInput(ours)];
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
      this.compare(`${path}.${name}`, one[name], other[name]);
  }

  #compareLists(path: string, vllm: unknown[], ours: unknown[]): void {
    if (vllm.length !== ours.length) this.#tell(path, `${vllm.length} items`, `${ours.length} items`);
    for (let at = 0; at < Math.min(vllm.length, ours.length); at++) this.compare(`${path}[]`, vllm[at], ours[at]);
  }

  #rename(path: string, vllm: JsonObject, ours: JsonObject): string {
    const tag = ours["object"] ?? ours["type"];
    const isSame = tag === (vllm["object"] ?? vllm["type"]);
    return isSame && typeof tag === "string" && tagged[this.#protocol].has(tag) ? tag : path;
  }

  #tell(at: string, vllm = "", ours = ""): void {
    this.found.push({ at, vllm, ours });
  }
}

/** Anthropic counts a prompt in three parts; what a cache had of it differs, so it is compared as one. */
function sumInput(object: JsonObject): JsonObject {
  const { input_tokens: input, cache_read_input_tokens: read, cache_creation_input_tokens: made } = object;
  if (typeof input !== "number" || typeof read !== "number" || typeof made !== "number") return object;
  return { ...object, input_tokens: input + read + made };
}

/** Are events numbered from 0, one more with each? */
function tellNumbers(events: SentEvent[]): string {
  return events.every(({ data }, at) => data["sequence_number"] === at) ? "one by one" : "otherwise";
}

/** Is each event of an item one of an item that was added before, by its id? */
function tellItems(events: SentEvent[]): string {
  const added = new Set<unknown>();
  for (const { type, data } of events) {
    const item = isObject(data["item"]) ? data["item"] : {};
    if (type === "response.output_item.added") added.add(item["id"]);
    else if (("item_id" in data && !added.has(data["item_id"])) || ("id" in item && !added.has(item["id"])))
      return "of items that nobody added";
  }
  return "of items that were added";
}

function nameEvent(event: SentEvent | undefined): string {
  const data = event?.data ?? {};
  const inner = [data["item"], data["part"], data["content_block"], data["delta"]].find(isObject);
  const tag = inner && typeof inner["type"] === "string" ? ` (${inner["type"]})` : "";
  return `${event?.type ?? ""}${tag}`;
}

/** Deltas that follow one another, as one. */
function joinDeltas(events: SentEvent[]): SentEvent[] {
  const joined: SentEvent[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    const isMore = last && event.type.endsWith("delta") && nameEvent(last) === nameEvent(event);
    if (isMore && event.type !== "message_delta") joined[joined.length - 1] = { ...last, data: join(last, event) };
    else joined.push(event);
  }
  return joined;
}

function join(one: SentEvent, other: SentEvent): JsonObject {
  const { delta: first, logprobs } = one.data;
  const { delta: second } = other.data;
  const more = other.data["logprobs"];
  const isBoth = Array.isArray(logprobs) && Array.isArray(more);
  const delta =
    isObject(first) && isObject(second)
      ? Object.fromEntries(
          Object.entries(first).map(([name, value]) => [
            name,
            name === "type" ? value : String(value) + String(second[name] ?? ""),
          ]),
        )
      : String(first) + String(second);
  return { ...one.data, delta, ...(isBoth && { logprobs: [...logprobs, ...more] }) };
}

/** Pairs of indexes in order: what both have, and what only one has (the longest common subsequence). */
function align(one: string[], other: string[]): [number | null, number | null][] {
  const lengths = Array.from({ length: one.length + 1 }, () => Array<number>(other.length + 1).fill(0));
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = one.length - 1; i >= 0; i--)
    for (let j = other.length - 1; j >= 0; j--)
      lengths[i]![j] = one[i] === other[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: [number | null, number | null][] = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) pairs.push([i++, j++]);
    else if (j >= other.length || (i < one.length && at(i + 1, j) >= at(i, j + 1))) pairs.push([i++, null]);
    else pairs.push([null, j++]);
  }
  return pairs;
}

/** An id by what stands before that which is its own. */
function writeId(value: unknown): string {
  return typeof value === "string" ? `${/^[a-z-]+?[-_](?:tool-)?/.exec(value)?.[0] ?? ""}…` : describe(value, true);
}

/** A value as a list of differences shows it; `isFree` where it is another with each call. */
function describe(value: unknown, isFree: boolean): string {
  if (value === undefined) return "absent";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : "a list";
  if (isObject(value)) return Object.keys(value).length === 0 ? "{}" : "an object";
  if (typeof value === "string") return isFree || !/^[a-z_]+( [a-z]+)?$/i.test(value) ? "a text" : `\`${value}\``;
  return typeof value === "number" && (isFree || !(value >= 0 && value <= 1)) ? "a number" : String(value);
}
