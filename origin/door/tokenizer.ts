import type { JsonObject } from "#edge/agreements/json.ts";
import { callPathNames, callPaths, endpointPaths, tokenizerPaths, type TokenizerPath } from "#edge/agreements/paths.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { restoreDigits } from "#edge/protocol/digits.ts";
import { parseBody } from "#edge/protocol/fields.ts";
import { omitOurs, recheckBody } from "#edge/protocol/openai/members/recheck.ts";
import { DetokenizeBody, TokenizeChatExtras, TokenizeTextBody } from "#edge/protocol/tokenizer/bodies.ts";
import { readBody } from "../calls/prepare.ts";
import type { Rooms } from "../calls/rooms.ts";
import type { Engine } from "../engines/http/client.ts";
import { countPromptTokens } from "../engines/tokenize.ts";
import { listTokens, readTokenizerTraits, refuseTokenizer, writeTokens } from "../engines/tokenizer.ts";
import type { Admitted } from "./gate.ts";
import { openEngineSeats, type EngineSeats } from "./tokenizer-seats.ts";

/** A question that was let in, and the engine that serves its model under that name. */
interface EngineQuestion extends Admitted<HopClaims> {
  engine: Engine;
  model: string;
}

const chatPath = endpointPaths["chat.completions"].agent;

/** What is answered at each path; nobody else learns a prompt's tokens than whoever may call with it. */
const answers: Readonly<Record<TokenizerPath, (question: EngineQuestion) => Promise<object>>> = {
  [tokenizerPaths.count]: countPrompt,
  [tokenizerPaths.length]: countPrompt,
  [tokenizerPaths.tokens]: answerTokens,
  [tokenizerPaths.text]: answerText,
  [tokenizerPaths.traits]: ({ engine }) => readTokenizerTraits(engine),
};

const seatsByEngine = new WeakMap<Engine, EngineSeats>();

function findSeats(engine: Engine, path: TokenizerPath): EngineSeats["questions"] {
  const known = seatsByEngine.get(engine) ?? openEngineSeats();
  seatsByEngine.set(engine, known);
  return path === tokenizerPaths.count ? known.admissions : known.questions;
}

/**
 * Answers what the edge asks of a tokenizer. An agent trusts no edge, so bodies are read by the same tables as there.
 * Throws a Refusal for what is out of bounds, 502 when no engine here serves the model, and 503 when its tokenizer is
 * busy.
 */
export async function answerTokenizer(
  { pool }: Pick<Rooms, "pool">,
  path: TokenizerPath,
  admitted: Admitted<HopClaims>,
): Promise<object> {
  const { model: id } = admitted.claims;
  const { engine } = pool.findServing(id);
  const model = engine.config.models[id];
  if (model === undefined) throw new Refusal("bad_gateway", { log: "model_not_served" });
  const leave = findSeats(engine, path).take(admitted.claims.org);
  try {
    return await answers[path]({ ...admitted, engine, model });
  } finally {
    leave();
  }
}

/** The exact size of a prompt: `{count, max_model_len}`, never the tokens themselves. */
async function countPrompt({ claims, body, engine, model }: EngineQuestion): Promise<object> {
  const { requested, exact } = readBody(body);
  const path = callPathNames.find((name) => callPaths[name].endpoints.some((endpoint) => endpoint === claims.endpoint));
  if (!path)
    throw new Refusal("invalid_api_key", { message: "The hop token is for another endpoint.", log: "endpoint" });
  const checked = omitOurs(path, restoreDigits(recheckBody(path, requested), exact));
  const count = await countPromptTokens(engine, { ...checked, model });
  if (!count && engine.dialect.tokenizer === null) throw refuseTokenizer();
  if (!count) throw new Refusal("bad_gateway", { log: "tokenizer_failed" });
  return { count: count.tokens, max_model_len: count.contextTokensMax };
}

async function answerTokens({ body, engine, model }: EngineQuestion): Promise<object> {
  const { requested, exact } = readBody(body);
  if (requested["messages"] === undefined) {
    const { return_token_strs: strings, prompt, add_special_tokens } = parseBody(TokenizeTextBody, requested);
    const fields: JsonObject = { prompt, ...(typeof add_special_tokens === "boolean" && { add_special_tokens }) };
    return listTokens(engine, { model, fields, wantsStrings: strings === true });
  }
  const { return_token_strs: strings } = parseBody(TokenizeChatExtras, requested);
  const fields = omitOurs(chatPath, restoreDigits(recheckBody(chatPath, requested), exact));
  return listTokens(engine, { model, fields, wantsStrings: strings === true });
}

async function answerText({ body, engine, model }: EngineQuestion): Promise<object> {
  const { tokens } = parseBody(DetokenizeBody, readBody(body).requested);
  return { prompt: await writeTokens(engine, model, tokens) };
}
