import { createHmac, type KeyObject } from "node:crypto";
import { hasInexactNumber, parseExact } from "#edge/agreements/exact-json.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { answerMember, callPaths, isChat, isForeign, type CallPath } from "#edge/agreements/paths.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { restoreDigits } from "#edge/protocol/digits.ts";
import { estimateCompile } from "#edge/protocol/openai/members/structure/compile.ts";
import { omitOurs, recheckBody, renameMedia } from "#edge/protocol/openai/members/recheck.ts";
import { isLongScore, refuseUnstreamed } from "#edge/protocol/openai/scores.ts";
import type { Engine } from "../engines/http/client.ts";
import { mayStream, openaiFields } from "../engines/dialects.ts";
import { countUnits, measureCall } from "./call-size.ts";
import type { PreparedCall } from "./prepared-call.ts";

/** A call as the edge sent it, and the engine it goes to. */
export interface CallToPrepare {
  body: Buffer;
  path: CallPath;
  claims: HopClaims;
  engine: Engine;
  cacheSaltKey: KeyObject;
}

/**
 * Turns the edge's body into the engine's. Reserved fields are set by us, bounds never exceed the hold, the model gets
 * the engine's name. Throws a Refusal (400) for what no engine may see, and 502 when this engine does not serve the
 * model, which is a configuration error.
 */
export function prepareCall({ body: bytes, path, claims, engine, cacheSaltKey }: CallToPrepare): PreparedCall {
  const { requested: sent, exact } = readBody(bytes);
  const requested = recheckBody(path, sent);
  const model = engine.config.models[claims.model];
  if (model === undefined) throw new Refusal("bad_gateway", { log: "model_not_served" });
  const isGenerated = callPaths[path].chunkObject !== null;
  const isStream = requested["stream"] === true && isGenerated;
  const streamOptions = isObject(requested["stream_options"]) ? requested["stream_options"] : {};
  const size = measureCall(path, requested, claims);
  const { choices } = size;
  const body: JsonObject = { ...omitOurs(path, restoreDigits(requested, exact)), model };
  if (isChat(path))
    body["messages"] = renameMedia(body["messages"], (uuid) => nameMedium(uuid, claims.org, cacheSaltKey));
  const completionTokens = readCompletionMax(requested, claims.completionTokensMax);
  if (isGenerated) setCompletionMax(body, path, engine, completionTokens);
  const { cache, isStrict, hasContinuousUsage, hasStreamInterval } = engine.dialect;
  const engineBody = isStrict ? pickOpenaiFields(body) : body;
  const isEngineStream = isGenerated && (isStream || mayStream(engineBody));
  if (isGenerated && !isEngineStream) refuseUnstreamed(requested, { choices, completionTokens });
  engineBody["stream"] = isEngineStream;
  if (isEngineStream) {
    engineBody["stream_options"] = {
      include_usage: true,
      ...(hasContinuousUsage && { continuous_usage_stats: true }),
    };
    if (hasStreamInterval) engineBody["stream_interval"] = 1;
  }
  if (cache === "salt") engineBody["cache_salt"] = computeCacheSalt(claims.org, cacheSaltKey);
  if (cache === "off" && isGenerated) engineBody["cache_prompt"] = false;
  return {
    path,
    body: engineBody,
    isStream,
    isEngineStream,
    isLongScore: isGenerated && isLongScore(requested, claims.promptTokensGuess ?? claims.tokensHeld),
    isStructured: isEngineStream && estimateCompile(engineBody) > 0,
    repeated: readRepeated(sent, claims),
    hidesReasoning: isGenerated && requested["include_reasoning"] === false,
    wantsUsage: streamOptions["include_usage"] === true || streamOptions["continuous_usage_stats"] === true,
    wantsContinuousUsage: streamOptions["continuous_usage_stats"] === true,
    choices,
    size,
    units: countUnits(size),
    bounds: {
      tokensHeld: claims.tokensHeld,
      completionTokensMax: Math.min(choices * claims.completionTokensMax, Number.MAX_SAFE_INTEGER),
      choicesPerPrompt: Math.max(1, choices / size.prompts),
      echoChunks: requested["echo"] === true ? choices : 0,
      unitTokens: claims.unitTokens,
    },
  };
}

/**
 * Keeps the prefix caches of orgs apart, so that nobody can find out by timing what another org has sent (S9).
 * base64url, 43 characters.
 */
export function computeCacheSalt(org: string, key: KeyObject): string {
  return createHmac("sha256", key).update(org).digest("base64url");
}

/** The name under which an engine caches a medium: an org's own, and no other's to guess. base64url, 43 characters. */
function nameMedium(uuid: string, org: string, key: KeyObject): string {
  return createHmac("sha256", key).update(`medium ${org} ${uuid}`).digest("base64url");
}

/** Only a call of another protocol has such a member, which the edge wrote. */
function readRepeated(sent: JsonObject, { endpoint }: HopClaims): JsonObject | null {
  const repeated = sent[answerMember];
  return isForeign(endpoint) && isObject(repeated) ? repeated : null;
}

/** Sets the completion's bound under the names that this engine reads. Completions have the old name only. */
export function setCompletionMax(body: JsonObject, path: CallPath, engine: Engine, tokens: number): void {
  const names = isChat(path) ? engine.dialect.maxFields : ["max_tokens"];
  for (const name of names) body[name] = tokens;
}

/** `max_completion_tokens` wins over `max_tokens`; neither exceeds what is held. */
function readCompletionMax(requested: JsonObject, heldMax: number): number {
  const name = isPresent(requested["max_completion_tokens"]) ? "max_completion_tokens" : "max_tokens";
  const value = requested[name];
  if (!isPresent(value)) return heldMax;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return Math.min(value, heldMax);
  throw new Refusal("invalid_value", { param: name, message: `'${name}' must be a non-negative integer.` });
}

function pickOpenaiFields(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => openaiFields.has(name)));
}

/**
 * Reads an object or refuses it, and where its numbers have digits that a double cannot keep, reads it once more with
 * those.
 */
export function readBody(bytes: Buffer): { requested: JsonObject; exact: JsonObject | null } {
  const text = bytes.toString("utf8");
  let requested: unknown;
  let exact: unknown = null;
  try {
    requested = JSON.parse(text);
    if (hasInexactNumber(bytes)) exact = parseExact(text);
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
  if (!isObject(requested)) throw new Refusal("invalid_json", { message: "The body must be a JSON object." });
  return { requested, exact: isObject(exact) ? exact : null };
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
