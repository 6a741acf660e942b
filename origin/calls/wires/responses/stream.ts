import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import type { Refusal } from "#edge/errors.ts";
import { writeErrorEvent, writeEvent } from "#edge/protocol/openai/responses/wire.ts";
import { readReasoning } from "../../answer-parts.ts";
import type { AnswerContext, EventTranslator } from "../wire.ts";
import { CallItem, findCall, TextItem, type Emit, type StreamItem } from "./stream-items.ts";
import { openToolNames, readLogprobs, type CalledTool } from "./items.ts";
import { buildResponse, readEndStatus, type ResponseState } from "./response.ts";

/**
 * Writes an engine's chunks as the events of `POST /v1/responses` (OpenAI's streaming events), numbered from 0. What is
 * thought and said ends when something else begins; calls stay open to the end, since engines may write several at
 * once.
 */
export class ResponseTranslator implements EventTranslator {
  #context: AnswerContext;
  #findTool: (engineName: string) => CalledTool;
  #sequence = 0;
  #events = "";
  /** In the order of the output; a call is among them once it has a name. */
  #items: StreamItem[] = [];
  /** What is being thought or said. */
  #text: TextItem | null = null;
  #calls: CallItem[] = [];
  /** Log-probabilities of tokens whose text comes with the next chunk, or never. */
  #early: JsonObject[] = [];
  #finish: string | null = null;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#findTool = openToolNames(context);
  }

  begin(): string {
    for (const type of ["response.created", "response.in_progress"])
      this.#emit({ type, response: this.#build({ status: "in_progress", output: [] }) });
    return this.#take();
  }

  add(choice: JsonObject): string {
    const delta = isObject(choice["delta"]) ? choice["delta"] : {};
    const reasoning = readReasoning(delta);
    if (reasoning !== "") this.#openText("reasoning").add(reasoning);
    const { content, tool_calls: calls } = delta;
    this.#addText(typeof content === "string" ? content : "", reasoning === "" ? readLogprobs(choice) : []);
    for (const piece of Array.isArray(calls) ? calls.filter(isObject) : []) this.#addCall(piece);
    if (typeof choice["finish_reason"] === "string") this.#finish = choice["finish_reason"];
    return this.#take();
  }

  end(): string {
    // A call whose name never came, and an answer of nothing at all, are told all the same.
    for (const call of this.#calls) if (!call.hasBegun) this.#beginCall(call);
    if (this.#items.length === 0) this.#openText("message").add("", this.#early);
    const status = readEndStatus(this.#finish);
    for (const [index, item] of this.#items.entries())
      item.close(index === this.#items.length - 1 ? status : "completed");
    const output = this.#items.map((item) => item.build());
    this.#emit({ type: `response.${status}`, response: this.#build({ status, output, finish: this.#finish }) });
    return this.#take();
  }

  fail(refusal: Refusal): string {
    const output = this.#items.map((item) => item.build());
    this.#emit({ type: "response.failed", response: this.#build({ status: "failed", output, refusal }) });
    return this.#take() + writeErrorEvent(refusal, this.#sequence);
  }

  #build(state: ResponseState): JsonObject {
    return buildResponse(this.#context, state);
  }

  #emit: Emit = ({ type, ...fields }) => {
    this.#events += writeEvent({ type, sequence_number: this.#sequence++, ...fields });
  };

  #take(): string {
    const events = this.#events;
    this.#events = "";
    return events;
  }

  #addText(text: string, logprobs: JsonObject[]): void {
    const isSaying = this.#text?.kind === "message";
    if (text === "" && !isSaying) return void this.#early.push(...logprobs);
    if (text === "" && logprobs.length === 0) return;
    this.#openText("message").add(text, [...this.#early, ...logprobs]);
    this.#early = [];
  }

  #addCall(piece: JsonObject): void {
    const known = findCall(this.#calls, piece);
    const call = known ?? new CallItem(piece, `call_${this.#context.reference}_${this.#calls.length}`);
    if (!known) this.#calls.push(call);
    call.add(piece);
    if (call.hasBegun) call.pass();
    else if (call.hasName) this.#beginCall(call);
  }

  #beginCall(call: CallItem): void {
    this.#closeText();
    this.#items.push(call);
    call.begin(this.#findTool(call.name), { index: this.#items.length - 1, context: this.#context, emit: this.#emit });
  }

  #openText(kind: TextItem["kind"]): TextItem {
    if (this.#text?.kind === kind) return this.#text;
    this.#closeText();
    const item = new TextItem(kind, { index: this.#items.length, context: this.#context, emit: this.#emit });
    this.#text = item;
    this.#items.push(item);
    return item;
  }

  #closeText(): void {
    this.#text?.close("completed");
    this.#text = null;
  }
}
