import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { writeEvent } from "#edge/protocol/anthropic/stream.ts";
import type { AnswerContext, EventTranslator } from "../wire.ts";
import { listPieces, parseInput, readEnd, type Piece } from "./blocks.ts";
import { nameCall, writeHead, writeSignature, writeStart, writeUsage } from "./message.ts";

/** A block that has not been written to its end. */
interface OpenBlock {
  piece: Piece;
  /** What has come and was not written yet. */
  unsent: string;
  isStarted: boolean;
  /** Its arguments are an object; null where nobody has looked since they grew. */
  isObject: boolean | null;
}

/**
 * Writes one message as events. Blocks follow one another, and a block that has ended stays so: the next one begins
 * when the one before is sure to be over. Thoughts and text are over when something else comes; the call of a tool when
 * its arguments are an object, since engines may send several calls by turns. What comes meanwhile waits.
 */
class MessageEvents implements EventTranslator {
  #context: AnswerContext;
  /** The first is the one being written. */
  #blocks: OpenBlock[] = [];
  /** Index of the block being written. */
  #index = 0;
  #end: JsonObject = {};
  /** Calls that have been written to their end. */
  #over: Piece[] = [];
  #hasCalls = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  begin(): string {
    const message = {
      ...writeHead(this.#context),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: writeUsage(this.#context.readUsage()),
    };
    return writeEvent({ type: "message_start", message });
  }

  add(choice: JsonObject): string {
    if (typeof choice["finish_reason"] === "string") this.#end = choice;
    if (!isObject(choice["delta"])) return "";
    let text = "";
    for (const piece of listPieces(choice["delta"])) {
      this.#take(piece);
      text += this.#write(false);
    }
    return text;
  }

  end(): string {
    const delta = readEnd(this.#end, this.#hasCalls);
    const usage = writeUsage(this.#context.readUsage());
    return (
      this.#write(true) + writeEvent({ type: "message_delta", delta, usage }) + writeEvent({ type: "message_stop" })
    );
  }

  #take(piece: Piece): void {
    const known = this.#findBlock(piece);
    if (known) return continueBlock(known, piece);
    // Behind an object that is whole nothing can follow.
    if (this.#over.some((call) => isSameCall(call, piece))) return;
    this.#hasCalls ||= piece.kind === "tool_use";
    this.#blocks.push({ piece: { ...piece, text: "" }, unsent: piece.text, isStarted: false, isObject: null });
  }

  /** Thoughts and text go on where they were the last; a call wherever it is. */
  #findBlock(piece: Piece): OpenBlock | undefined {
    if (piece.kind === "tool_use") return this.#blocks.findLast((block) => isSameCall(block.piece, piece));
    const last = this.#blocks.at(-1);
    return last?.piece.kind === piece.kind ? last : undefined;
  }

  /** The events of all that may be written by now; at the end that is everything. */
  #write(isEnd: boolean): string {
    let text = "";
    for (let block = this.#blocks[0]; block; block = this.#blocks[0]) {
      const isLast = this.#blocks.length === 1;
      text += this.#writeBlock(block, isEnd);
      if (!isEnd && (isLast || !isOver(block))) break;
      text += this.#writeStop(block);
      this.#blocks.shift();
      if (block.piece.kind === "tool_use") this.#over.push(block.piece);
      this.#index++;
    }
    return text;
  }

  #writeBlock(block: OpenBlock, isEnd: boolean): string {
    const { piece, unsent } = block;
    let text = "";
    if (!block.isStarted) {
      // A call cannot begin without a name; one that never gets any has none.
      if (piece.kind === "tool_use" && piece.name === "" && !isEnd) return "";
      if (piece.kind === "tool_use") piece.id = nameCall(piece.id, this.#context, this.#index);
      block.isStarted = true;
      text += this.#event("content_block_start", { content_block: writeStart(piece) });
    }
    if (unsent === "") return text;
    if (piece.kind === "tool_use") piece.text += unsent;
    block.unsent = "";
    return text + this.#event("content_block_delta", { delta: writeDelta(piece.kind, unsent) });
  }

  #writeStop({ piece }: OpenBlock): string {
    const signature = writeSignature(this.#context);
    const signed = { delta: { type: "signature_delta", signature } };
    return (
      (piece.kind === "thinking" ? this.#event("content_block_delta", signed) : "") +
      this.#event("content_block_stop", {})
    );
  }

  #event(type: string, members: JsonObject): string {
    return writeEvent({ type, index: this.#index, ...members });
  }
}

function continueBlock(block: OpenBlock, piece: Piece): void {
  block.unsent += piece.text;
  block.isObject = null;
  const call = block.piece;
  if (call.kind !== "tool_use" || piece.kind !== "tool_use") return;
  if (call.id === "") call.id = piece.id;
  if (call.name === "") call.name = piece.name;
}

/** A piece belongs to the call with its index; without one to that with its id; without either to the last. */
function isSameCall(call: Piece, piece: Piece): boolean {
  if (call.kind !== "tool_use" || piece.kind !== "tool_use") return false;
  if (piece.index !== null) return call.index === piece.index;
  return piece.id === "" || call.id === piece.id;
}

/** Is the block over, now that another has begun? */
function isOver(block: OpenBlock): boolean {
  if (block.piece.kind !== "tool_use") return true;
  if (block.unsent !== "") return false;
  block.isObject ??= parseInput(block.piece.text) !== null;
  return block.isObject;
}

function writeDelta(kind: Piece["kind"], text: string): JsonObject {
  if (kind === "text") return { type: "text_delta", text };
  return kind === "thinking"
    ? { type: "thinking_delta", thinking: text }
    : { type: "input_json_delta", partial_json: text };
}

/** Opens the events of one message. */
export function openMessageEvents(context: AnswerContext): EventTranslator {
  return new MessageEvents(context);
}
