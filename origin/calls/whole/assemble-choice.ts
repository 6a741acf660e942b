import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { mergeDelta } from "./merge-delta.ts";

/** Members of a choice's chunk that stand in its delta's place, or are put together by rules of their own. */
const ownMembers: ReadonlySet<string> = new Set(["index", "delta", "text"]);
/** Lists of which each chunk brings the next part. */
const listMembers: ReadonlySet<string> = new Set(["token_ids"]);

/** One choice of a stream on its way to being the choice of a whole answer. */
export class ChoiceAssembly {
  readonly index: number;
  #members: JsonObject = {};
  #message: JsonObject = {};
  #text = "";

  constructor(index: number) {
    this.index = index;
  }

  /** True when the engine has said how it ended. */
  get hasFinished(): boolean {
    return typeof this.#members["finish_reason"] === "string";
  }

  /** Takes what a chunk says of this choice. */
  add(choice: JsonObject): void {
    if (isObject(choice["delta"])) mergeDelta(this.#message, choice["delta"]);
    if (typeof choice["text"] === "string") this.#text += choice["text"];
    for (const name in choice) {
      if (ownMembers.has(name)) continue;
      const part = choice[name];
      const known = this.#members[name];
      if (part === null || part === undefined) this.#members[name] ??= null;
      else if (name === "logprobs" && isObject(part) && isObject(known)) mergeDelta(known, part);
      else if (listMembers.has(name) && Array.isArray(part) && Array.isArray(known))
        for (const id of part) known.push(id);
      else this.#members[name] = part;
    }
  }

  /** The choice as it stands in a chat's whole answer. */
  buildChat(): JsonObject {
    const { tool_calls: calls, ...message } = this.#message;
    const list = Array.isArray(calls) ? calls.filter(isObject) : [];
    return {
      index: this.index,
      message: {
        role: "assistant",
        content: null,
        ...message,
        ...(list.length > 0 && { tool_calls: list.sort(compareIndexes).map(dropIndex) }),
      },
      ...this.#members,
    };
  }

  /** The choice as it stands in a completion's whole answer. */
  buildCompletion(): JsonObject {
    return { index: this.index, text: this.#text, ...this.#members };
  }
}

function compareIndexes({ index: one }: JsonObject, { index: other }: JsonObject): number {
  return typeof one === "number" && typeof other === "number" ? one - other : 0;
}

function dropIndex(call: JsonObject): JsonObject {
  delete call["index"];
  return call;
}
