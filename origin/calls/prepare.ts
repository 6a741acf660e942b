import { createHmac, type KeyObject } from "node:crypto";
import { isObject, type Body } from "#edge/agreements/json.ts";
import type { CallPath } from "#edge/agreements/paths.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { choicesMax, inputsMax } from "#edge/limits.ts";
import { refuseGuided, refuseRemoteMedia, stripOwned } from "#edge/protocol/openai/reserved-fields.ts";
import type { Engine } from "../engines/http/client.ts";
import { openaiFields } from "../engines/dialects.ts";
import type { TallyBounds } from "./usage-meter.ts";

/** A call made ready for one engine. `body` is ours: built from the edge's, field by field. */
export interface PreparedCall {
  path: CallPath;
  body: Body;
  isStream: boolean;
  wantsUsage: boolean;
  wantsContinuousUsage: boolean;
  /** Over all prompts. */
  choices: number;
  bounds: TallyBounds;
}

/** A call as the edge sent it, and the engine it goes to. */
export interface CallToPrepare {
  body: Buffer;
  path: CallPath;
  claims: HopClaims;
  engine: Engine;
  cacheSaltKey: KeyObject;
}

/**
 * Turns the edge's body into the engine's. Reserved fields are set by us, bounds never exceed the hold, the model gets the
 * engine's name. Throws a Refusal (400) for what no engine may see, and 502 when this engine does not serve the model,
 * which is a configuration error.
 */
export function prepareCall({ body: bytes, path, claims, engine, cacheSaltKey }: CallToPrepare): PreparedCall {
  const asked = readObject(bytes);
  refuseGuided(asked);
  refuseRemoteMedia(asked["messages"]);
  const model = engine.config.models[claims.model];
  if (model === undefined) throw new Refusal("bad_gateway", { log: "model_not_served" });
  const isStream = asked["stream"] === true && path !== "/v1/embeddings";
  const wish = isObject(asked["stream_options"]) ? asked["stream_options"] : {};
  const choicesPerPrompt = path === "/v1/embeddings" ? 0 : readChoices(asked["n"]);
  const choices = choicesPerPrompt * (path === "/v1/completions" ? promptsIn(asked["prompt"]) : 1);
  const body: Body = { ...stripOwned(asked), model, stream: isStream };
  for (const name of ["stream_options", "max_tokens", "max_completion_tokens"]) delete body[name];
  if (path !== "/v1/embeddings")
    setCompletionMax(body, path, engine, completionMaxOf(asked, claims.completionTokensMax));
  if (isStream)
    body["stream_options"] = {
      include_usage: true,
      ...(engine.dialect.hasContinuousUsage && { continuous_usage_stats: true }),
    };
  const { cache, isStrict } = engine.dialect;
  const sent = isStrict ? onlyOpenai(body) : body;
  if (cache === "salt") sent["cache_salt"] = cacheSaltOf(claims.org, cacheSaltKey);
  if (cache === "off" && path !== "/v1/embeddings") sent["cache_prompt"] = false;
  return {
    path,
    body: sent,
    isStream,
    wantsUsage: wish["include_usage"] === true || wish["continuous_usage_stats"] === true,
    wantsContinuousUsage: wish["continuous_usage_stats"] === true,
    choices,
    bounds: {
      tokensHeld: claims.tokensHeld,
      completionTokensMax: Math.min(choices * claims.completionTokensMax, Number.MAX_SAFE_INTEGER),
      choicesPerPrompt: Math.max(1, choicesPerPrompt),
      echoChunks: asked["echo"] === true ? choices : 0,
    },
  };
}

/**
 * Keeps the prefix caches of orgs apart, so that nobody can find out by timing what another org has sent (S9). base64url, 43
 * characters.
 */
export function cacheSaltOf(org: string, key: KeyObject): string {
  return createHmac("sha256", key).update(org).digest("base64url");
}

/** Sets the completion's bound under the names that this engine reads. `/v1/completions` has the old name only. */
export function setCompletionMax(body: Body, path: CallPath, engine: Engine, tokens: number): void {
  const names = path === "/v1/completions" ? ["max_tokens"] : engine.dialect.maxFields;
  for (const name of names) body[name] = tokens;
}

/** `max_completion_tokens` wins over `max_tokens`; neither exceeds what is held. */
function completionMaxOf(asked: Body, heldMax: number): number {
  const name = isSaid(asked["max_completion_tokens"]) ? "max_completion_tokens" : "max_tokens";
  const value = asked[name];
  if (!isSaid(value)) return heldMax;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return Math.min(value, heldMax);
  throw new Refusal("invalid_value", { param: name, say: `'${name}' must be a non-negative integer.` });
}

function readChoices(n: unknown): number {
  if (!isSaid(n)) return 1;
  if (typeof n === "number" && Number.isInteger(n) && n >= 1 && n <= choicesMax) return n;
  throw new Refusal("invalid_value", { param: "n", say: `'n' must be an integer from 1 to ${choicesMax}.` });
}

/** A list of texts, or of lists of token ids, is as many prompts; a list of token ids is one. */
function promptsIn(prompt: unknown): number {
  if (!Array.isArray(prompt) || prompt.length === 0 || typeof prompt[0] === "number") return 1;
  if (prompt.length > inputsMax)
    throw new Refusal("invalid_value", { param: "prompt", say: `At most ${inputsMax} prompts in one call.` });
  return prompt.length;
}

function onlyOpenai(body: Body): Body {
  return Object.fromEntries(Object.entries(body).filter(([name]) => openaiFields.has(name)));
}

function readObject(bytes: Buffer): Body {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
  if (isObject(json)) return json;
  throw new Refusal("invalid_json", { say: "The body must be a JSON object." });
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null;
}
