import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import type { AnswerContext } from "../wire.ts";
import {
  buildCall,
  buildMessage,
  buildReasoning,
  buildReasoningPart,
  buildTextPart,
  nameItem,
  readCustomInput,
  type CalledTool,
  type ItemHead,
} from "./items.ts";

/** Takes an event, to which its number is added. */
export type Emit = (event: { type: string; [member: string]: unknown }) => void;

/** Where an item stands, and who takes its events. */
export interface ItemSlot {
  index: number;
  context: AnswerContext;
  emit: Emit;
}

/** An item of a streamed answer: it begins, grows and ends, each with its events. */
export interface StreamItem {
  /** The item as far as it has come; `incomplete` while it is open. */
  build(): JsonObject;
  /** Ends it, if it has not ended yet. */
  close(status: "completed" | "incomplete"): void;
}

/** What sets apart what the model thinks from what it says. */
const kinds = {
  reasoning: {
    event: "response.reasoning_text",
    buildItem: (head: ItemHead, part: TextPart | null) => buildReasoning(head, part && part.text),
    buildPart: ({ text }: TextPart) => buildReasoningPart(text),
  },
  message: {
    event: "response.output_text",
    buildItem: (head: ItemHead, part: TextPart | null) =>
      buildMessage(head, part && buildTextPart(part.text, part.logprobs)),
    buildPart: ({ text, logprobs }: TextPart) => buildTextPart(text, logprobs),
  },
} as const;

/** The text of an item's one part so far; what is thought has no log-probabilities. */
interface TextPart {
  text: string;
  logprobs: JsonObject[];
}

/** What the model thinks, or what it says: an item with one part of text. */
export class TextItem implements StreamItem {
  readonly kind: keyof typeof kinds;
  #slot: ItemSlot;
  #head: ItemHead;
  #part: TextPart = { text: "", logprobs: [] };
  #hasEnded = false;

  constructor(kind: keyof typeof kinds, slot: ItemSlot) {
    this.kind = kind;
    this.#slot = slot;
    this.#head = { id: nameItem(kind, slot.index, slot.context), status: "in_progress" };
    this.#emitItem("response.output_item.added", kinds[kind].buildItem(this.#head, null));
    this.#emitPart("response.content_part.added", { part: kinds[kind].buildPart(this.#part) });
  }

  add(delta: string, logprobs: JsonObject[] = []): void {
    this.#part.text += delta;
    this.#part.logprobs.push(...logprobs);
    if (delta === "") return;
    this.#emitPart(`${kinds[this.kind].event}.delta`, { delta, ...(this.kind === "message" && { logprobs }) });
  }

  build(): JsonObject {
    const head: ItemHead = this.#hasEnded ? this.#head : { ...this.#head, status: "incomplete" };
    return kinds[this.kind].buildItem(head, this.#part);
  }

  close(status: "completed" | "incomplete"): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#head.status = status;
    const { text, logprobs } = this.#part;
    this.#emitPart(`${kinds[this.kind].event}.done`, { text, ...(this.kind === "message" && { logprobs }) });
    this.#emitPart("response.content_part.done", { part: kinds[this.kind].buildPart(this.#part) });
    this.#emitItem("response.output_item.done", this.build());
  }

  #emitItem(type: string, item: JsonObject): void {
    this.#slot.emit({ type, output_index: this.#slot.index, item });
  }

  #emitPart(type: string, fields: JsonObject): void {
    this.#slot.emit({ type, item_id: this.#head.id, output_index: this.#slot.index, content_index: 0, ...fields });
  }
}

/** A call of a tool; it begins once its name has come. */
export class CallItem implements StreamItem {
  /** Its index among the engine's calls, where the engine says it. */
  readonly at: unknown;
  #id: string;
  #engineId: unknown;
  #name = "";
  #arguments = "";
  #passed = 0;
  #begun: { tool: CalledTool; slot: ItemSlot; head: ItemHead } | null = null;
  #hasEnded = false;

  constructor(piece: JsonObject, otherwise: string) {
    this.at = piece["index"];
    this.#id = otherwise;
  }

  /** The engine's own id of the call. */
  get engineId(): unknown {
    return this.#engineId;
  }

  get name(): string {
    return this.#name;
  }

  get hasName(): boolean {
    return this.#name !== "";
  }

  get hasBegun(): boolean {
    return this.#begun !== null;
  }

  /** Takes a piece; names count once, arguments are continued. */
  add({ id, function: called }: JsonObject): void {
    if (typeof id === "string" && id !== "" && this.#engineId === undefined) {
      this.#engineId = id;
      if (!this.#begun) this.#id = id;
    }
    const { name, arguments: text } = isObject(called) ? called : {};
    if (typeof name === "string" && this.#name === "") this.#name = name;
    if (typeof text === "string") this.#arguments += text;
  }

  begin(tool: CalledTool, slot: ItemSlot): void {
    const head: ItemHead = { id: nameItem(tool.type, slot.index, slot.context), status: "in_progress" };
    this.#begun = { tool, slot, head };
    const item = buildCall(head, { id: this.#id, name: this.#name, arguments: "" }, tool);
    slot.emit({ type: "response.output_item.added", output_index: slot.index, item });
    this.pass();
  }

  /**
   * Passes on what has come of the arguments. A custom tool's input is text within JSON, which can be read only once it
   * is whole.
   */
  pass(): void {
    const delta = this.#arguments.slice(this.#passed);
    if (!this.#begun || this.#begun.tool.type === "custom" || delta === "") return;
    this.#passed = this.#arguments.length;
    this.#emit("response.function_call_arguments.delta", { delta });
  }

  build(): JsonObject {
    if (!this.#begun) return {};
    const { tool, head } = this.#begun;
    const shown: ItemHead = this.#hasEnded ? head : { ...head, status: "incomplete" };
    return buildCall(shown, { id: this.#id, name: this.#name, arguments: this.#arguments }, tool);
  }

  close(status: "completed" | "incomplete"): void {
    if (!this.#begun || this.#hasEnded) return;
    const { tool, slot, head } = this.#begun;
    this.#hasEnded = true;
    head.status = status;
    if (tool.type === "custom") {
      const input = readCustomInput(this.#arguments);
      if (input !== "") this.#emit("response.custom_tool_call_input.delta", { delta: input });
      this.#emit("response.custom_tool_call_input.done", { input });
    } else this.#emit("response.function_call_arguments.done", { name: tool.name, arguments: this.#arguments });
    slot.emit({ type: "response.output_item.done", output_index: slot.index, item: this.build() });
  }

  #emit(type: string, fields: JsonObject): void {
    if (!this.#begun) return;
    const { slot, head } = this.#begun;
    slot.emit({ type, item_id: head.id, output_index: slot.index, ...fields });
  }
}

/** The call that a piece belongs to: by its index, else by its id, else the last (`mergeDelta` of whole answers). */
export function findCall(calls: readonly CallItem[], { index, id }: JsonObject): CallItem | undefined {
  if (typeof index === "number") return calls.find(({ at }) => at === index);
  return typeof id === "string" ? calls.find(({ engineId }) => engineId === id) : calls.at(-1);
}
