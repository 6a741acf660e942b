import type { JsonObject } from "../../agreements/json.ts";
import { endpointPaths, type EngineEndpoint, type MediaPath } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import type { IgnoredMembers } from "../openai/members/member.ts";
import { findModel } from "../openai/models.ts";
import { nothingGenerated, writeBody, type ParsedBody } from "../openai/parsed-body.ts";
import { speechTypes, transcriptTypes } from "./formats.ts";
import { countCharacters, type ImagesBody, type SpeechBody, type TranscriptionBody } from "./members.ts";
import { boundSeconds } from "./seconds.ts";

type MediaRead = Omit<ParsedBody, "named">;
type MediaEndpoint = Extract<EngineEndpoint, `audio.${string}` | `images.${string}`>;

/** What of a body is not in its members: how many units it is at most, its file, and the media type of its answer. */
interface MediaParts {
  path: MediaPath;
  model: ModelRecord;
  body: JsonObject;
  units: number;
  media: NonNullable<ParsedBody["media"]>;
  affinity: string;
}

/** Reads the form of a transcription or a translation; throws a Refusal that names the field. */
export function readAudio(
  endpoint: "audio.transcriptions" | "audio.translations",
  { file, ...fields }: Pick<TranscriptionBody, "file" | "model" | "response_format">,
  models: readonly ModelRecord[],
  ignored: IgnoredMembers,
): MediaRead {
  const model = findModel(models, fields.model, endpoint);
  const answerType = transcriptTypes[fields.response_format ?? "json"];
  return build(endpoint, ignored, {
    path: endpointPaths[endpoint].agent,
    model,
    body: fields,
    units: boundSeconds(file, model),
    media: { file, answerType },
    affinity: "",
  });
}

/** Reads the body of a call for speech; throws a Refusal that names the field. */
export function readSpeech(body: SpeechBody, models: readonly ModelRecord[], ignored: IgnoredMembers): MediaRead {
  const model = findModel(models, body.model, "audio.speech");
  const { response_format: format } = body;
  return build("audio.speech", ignored, {
    path: endpointPaths["audio.speech"].agent,
    model,
    body,
    units: countCharacters(body.input),
    // Without a format the engine has its own: any sound is an answer.
    media: { file: null, answerType: format === undefined ? "audio/" : speechTypes[format] },
    affinity: body.voice ?? "",
  });
}

/** Reads the body of a call for pictures; throws a Refusal that names the field. */
export function readImages(body: ImagesBody, models: readonly ModelRecord[], ignored: IgnoredMembers): MediaRead {
  return build("images.generations", ignored, {
    path: endpointPaths["images.generations"].agent,
    model: findModel(models, body.model, "images.generations"),
    body,
    units: body.n ?? 1,
    media: { file: null, answerType: "application/json" },
    affinity: "",
  });
}

/** Such a call has no tokens of its own: it is held and billed by its units, and takes no room in a pool of tokens. */
function build(endpoint: MediaEndpoint, ignored: IgnoredMembers, parts: MediaParts): MediaRead {
  const { model, units, body } = parts;
  return {
    ...parts,
    body: writeBody(body, { model: model.id }),
    isStream: false,
    prompts: endpoint === "images.generations" ? units : 1,
    promptTokensMax: units * (model.unitTokens ?? 1),
    promptTokensGuess: 0,
    ...nothingGenerated,
    ignored,
  };
}
