import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import type { AnswerContext } from "../wire.ts";
import { listPieces, readEnd, readInput, type Piece } from "./blocks.ts";
import { nameCall, writeHead, writeSignature, writeUsage } from "./message.ts";

/** Writes an engine's whole chat completion as a message. What no engine should answer is a message without content. */
export function buildMessage(answer: JsonObject, context: AnswerContext): JsonObject {
  const choice: unknown = Array.isArray(answer["choices"]) ? answer["choices"][0] : null;
  const { message, ...end } = isObject(choice) ? choice : {};
  const pieces = isObject(message) ? listPieces(message) : [];
  const hasCalls = pieces.some(({ kind }) => kind === "tool_use");
  return {
    ...writeHead(context),
    content: pieces.map((piece, at) => writeBlock(piece, at, context)),
    ...readEnd(end, hasCalls),
    usage: writeUsage(context.readUsage()),
  };
}

function writeBlock(piece: Piece, at: number, context: AnswerContext): JsonObject {
  const { kind, text } = piece;
  if (kind === "tool_use")
    return { type: kind, id: nameCall(piece.id, context, at), name: piece.name, input: readInput(text) };
  return kind === "text" ? { type: kind, text } : { type: kind, thinking: text, signature: writeSignature(context) };
}
