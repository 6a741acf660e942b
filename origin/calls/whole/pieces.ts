import type { JsonObject } from "#edge/agreements/json.ts";
import { Refusal, refusals } from "#edge/errors.ts";
import { inputsAtOnce } from "#edge/limits.ts";
import { countPromptTokens } from "../../engines/tokenize.ts";
import { askEngine } from "../ask-engine.ts";
import type { LiveCall } from "../live-call.ts";
import { UsageMeter } from "../usage-meter.ts";
import { receiveAnswer } from "./receive-answer.ts";

/**
 * Asks for the embeddings of many inputs in pieces, one after another, and puts the answers together: an engine serves
 * who comes first, so whoever calls beside this waits for one piece and not for 2,048 inputs. The meter has what was
 * made of the pieces so far, however this ends. Throws a Refusal as one ask does.
 */
export async function receiveInPieces(call: LiveCall): Promise<JsonObject> {
  const { prepared, meter } = call;
  const answers: JsonObject[] = [];
  let tokens = 0;
  for (const input of splitInput(prepared.body["input"])) {
    const body = { ...prepared.body, input };
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
  return joinAnswers(answers);
}

/** Tells whether a call is asked for in pieces: embeddings of more inputs than go to an engine at once. */
export function isInPieces({ prepared }: Pick<LiveCall, "prepared">): boolean {
  const { input } = prepared.body;
  return Array.isArray(input) && typeof input[0] !== "number" && input.length > inputsAtOnce;
}

/** The engine refuses a piece, as any node's would, after others were made: those are paid. */
export function isPaidRefusal(error: unknown, call: LiveCall): boolean {
  const isTheirs = error instanceof Refusal && refusals[error.code].status === 400;
  return isTheirs && isInPieces(call) && (call.meter.promptTokensCounted ?? 0) > 0;
}

function splitInput(input: unknown): unknown[][] {
  if (!Array.isArray(input)) return [];
  const pieces = Math.ceil(input.length / inputsAtOnce);
  return Array.from({ length: pieces }, (_, at) => input.slice(at * inputsAtOnce, (at + 1) * inputsAtOnce));
}

async function countPiece({ meter, engine, prepared }: LiveCall): Promise<number> {
  return meter.promptTokensCounted ?? (await countPromptTokens(engine, prepared.body))?.tokens ?? 0;
}

/** One answer with the embeddings of all, numbered through; all else is the first one's. */
function joinAnswers(answers: readonly JsonObject[]): JsonObject {
  const lists = answers.map(({ data }) => (Array.isArray(data) ? data : []));
  return { ...answers[0], data: lists.flat().map((item: object, index) => ({ ...item, index })) };
}
