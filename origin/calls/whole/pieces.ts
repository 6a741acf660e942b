import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { callPaths } from "#edge/agreements/paths.ts";
import { Refusal, refusals } from "#edge/errors.ts";
import { inputsAtOnce } from "#edge/limits.ts";
import { countPromptTokens } from "../../engines/tokenize.ts";
import { askEngine } from "../ask-engine.ts";
import type { LiveCall } from "../live-call.ts";
import { UsageMeter } from "../usage-meter.ts";
import { receiveAnswer } from "./receive-answer.ts";

/**
 * Asks for the embeddings or scores of many texts in pieces, one after another, and puts the answers together: an
 * engine serves who comes first, so whoever calls beside this waits for one piece and not for 2,048 texts. The meter
 * has what was made of the pieces so far, however this ends. Throws a Refusal as one ask does.
 */
export async function receiveInPieces(call: LiveCall): Promise<JsonObject> {
  const { prepared, meter } = call;
  const answers: JsonObject[] = [];
  let tokens = 0;
  for (const part of splitBody(prepared)) {
    const body = { ...prepared.body, ...part };
    const piece: LiveCall = {
      ...call,
      prepared: { ...prepared, body },
      meter: new UsageMeter(prepared.bounds),
      isSent: false,
    };
    try {
      answers.push(await receiveAnswer(piece, await askEngine(piece)));
      tokens += await countPiece(piece);
    } catch (error) {
      // Who leaves pays for what the engine was given; a piece that it refused was not made.
      if (piece.isSent && call.controller.signal.aborted) tokens += await countPiece(piece);
      throw error;
    } finally {
      call.isSent ||= piece.isSent;
      meter.noteTotal({ prompt: tokens, completion: 0, cached: null });
    }
  }
  return joinAnswers(answers, prepared);
}

/** Tells whether a call is asked for in pieces: embeddings or scores of more texts than go to an engine at once. */
export function isInPieces({ prepared }: Pick<LiveCall, "prepared">): boolean {
  const items = readItems(prepared);
  return Array.isArray(items) && typeof items[0] !== "number" && items.length > inputsAtOnce;
}

/** What a call has many of and no text is made from: inputs, documents, texts to score. */
function readItems({ path, body }: Pick<LiveCall["prepared"], "path" | "body">): unknown {
  return callPaths[path].chunkObject === null ? body[callPaths[path].prompt] : null;
}

/** The engine refuses a piece, as any node's would, after others were made: those are paid. */
export function isPaidRefusal(error: unknown, call: LiveCall): boolean {
  const isTheirs = error instanceof Refusal && refusals[error.code].status === 400;
  return isTheirs && isInPieces(call) && (call.meter.promptTokensCounted ?? 0) > 0;
}

/** The members in which each piece differs. A list beside the items goes with them, and the best are chosen of all. */
function splitBody({ path, body }: LiveCall["prepared"]): JsonObject[] {
  const { prompt } = callPaths[path];
  const { [prompt]: items, text_1: beside } = body;
  if (!Array.isArray(items)) return [];
  return Array.from({ length: Math.ceil(items.length / inputsAtOnce) }, (_, at) => {
    const cut = (list: unknown[]) => list.slice(at * inputsAtOnce, (at + 1) * inputsAtOnce);
    const isPaired = Array.isArray(beside) && beside.length > 1;
    return { [prompt]: cut(items), ...(isPaired && { text_1: cut(beside) }), top_n: undefined };
  });
}

async function countPiece({ meter, engine, prepared }: LiveCall): Promise<number> {
  return meter.promptTokensCounted ?? (await countPromptTokens(engine, prepared.body))?.tokens ?? 0;
}

/** One answer with the items of all, numbered through; all else is the first one's. */
function joinAnswers(answers: readonly JsonObject[], { path, body }: LiveCall["prepared"]): JsonObject {
  const { answer: member } = callPaths[path];
  const items = answers.flatMap(({ [member]: list }, piece) => readObjects(list, piece * inputsAtOnce));
  const isRanked = items.some((item) => item["relevance_score"] !== undefined);
  return { ...answers[0], [member]: isRanked ? chooseBest(items, body["top_n"]) : items };
}

/** An engine that ranks gives the best first, so each says which of its piece it was. */
function readObjects(list: unknown, before: number): JsonObject[] {
  const items = Array.isArray(list) ? list.filter(isObject) : [];
  return items.map((item, at) => ({
    ...item,
    index: before + (typeof item["index"] === "number" ? item["index"] : at),
  }));
}

function chooseBest(items: readonly JsonObject[], wanted: unknown): JsonObject[] {
  const score = ({ relevance_score: value }: JsonObject) => (typeof value === "number" ? value : 0);
  const best = items.toSorted((one, other) => score(other) - score(one));
  return typeof wanted === "number" && wanted > 0 ? best.slice(0, wanted) : best;
}
