import type { JsonObject } from "#edge/agreements/json.ts";
import { takesFile, type MediaPath } from "#edge/agreements/paths.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { countCharacters } from "#edge/protocol/media/members.ts";
import { readForm } from "#edge/protocol/media/read-form.ts";
import { boundSeconds, leastSeconds } from "#edge/protocol/media/seconds.ts";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { omitOurs, recheckBody } from "#edge/protocol/openai/members/recheck.ts";
import { readBody, type CallToPrepare } from "../prepare.ts";
import type { PreparedCall } from "../prepared-call.ts";

/** A call with sound or pictures as the edge sent it; `contentType` is its body's. */
export interface MediaToPrepare extends Omit<CallToPrepare, "cacheSaltKey" | "path"> {
  path: MediaPath;
  contentType: string | null;
}

/**
 * Turns the edge's body, a form or JSON, into what the engine is asked. Throws a Refusal (400) for what no engine may
 * see, and 502 when this engine does not serve the model or nothing of the kind, or when the hold is for less than what
 * the body asks for: those are faults of the configuration, or of an edge.
 */
export async function prepareMedia(call: MediaToPrepare): Promise<PreparedCall> {
  const { body: bytes, path, claims, engine, contentType } = call;
  const sent = takesFile(path) ? await readForm(new Uint8Array(bytes), contentType) : readBody(bytes).requested;
  const requested = recheckBody(path, sent);
  const model = engine.config.models[claims.model];
  if (model === undefined) throw new Refusal("bad_gateway", { log: "model_not_served" });
  if (!engine.dialect.media.includes(path)) throw new Refusal("bad_gateway", { log: "engine_without_media" });
  const { file: given, ...fields } = omitOurs(path, requested);
  const file = given instanceof UploadedFile ? given : null;
  const images = typeof fields["n"] === "number" ? fields["n"] : 1;
  refuseUnheld(claims, countSurely(requested, { file, images }));
  const format = fields["response_format"];
  return {
    path,
    body: { ...fields, model },
    media: { file, format: typeof format === "string" ? format : null },
    units: countGiven(requested, file),
    ...asNoText,
    size: { path, prompts: images, choices: 0, promptTokens: 0, completionTokens: 0 },
    bounds: {
      tokensHeld: claims.tokensHeld,
      completionTokensMax: 0,
      choicesPerPrompt: 1,
      echoChunks: 0,
      unitTokens: claims.unitTokens,
    },
  };
}

/** What such a call has nothing of. */
const asNoText = {
  isStream: false,
  isEngineStream: false,
  hidesReasoning: false,
  repeated: null,
  wantsUsage: false,
  wantsContinuousUsage: false,
  isLongScore: false,
  isStructured: false,
  choices: 0,
} as const;

/** Units that the body leaves no doubt of; 0 where it does. Seconds of packed audio are the engine's to count. */
function countSurely({ input }: JsonObject, { file, images }: { file: UploadedFile | null; images: number }): number {
  if (typeof input === "string") return countCharacters(input);
  if (file === null) return images;
  return file.extension === "wav" ? boundSeconds(file, { audioSecondsMax: Infinity }) : 0;
}

/**
 * What who leaves before the answer pays: what the engine was given to hear or to speak. Of pictures nobody knows how
 * many were made.
 */
function countGiven({ input }: JsonObject, file: UploadedFile | null): number {
  if (typeof input === "string") return countCharacters(input);
  return file === null ? 0 : leastSeconds(file);
}

function refuseUnheld({ unitTokens, tokensHeld }: HopClaims, units: number): void {
  if (unitTokens === undefined) throw new Refusal("bad_gateway", { log: "no_unit_tokens" });
  if (units * unitTokens > tokensHeld) throw new Refusal("bad_gateway", { log: "units_over_hold" });
}
