import { z } from "zod";
import { imagePromptCharsMax, imagesMax, speechCharsMax } from "../../limits.ts";
import { createCheckedSchema } from "../fields.ts";
import type { Check } from "../openai/members/checks.ts";
import { accepted, forwarded, isUnsent, orEmpty, readShape, refused, required } from "../openai/members/member.ts";
import { harmless, modelMember, unavailable, withheld } from "../openai/members/shared.ts";
import { speechTypes, transcriptTypes, type SpeechFormat, type TranscriptFormat } from "./formats.ts";
import { audioExtensions, UploadedFile } from "./upload.ts";

const checkFile: Check = (value) => {
  if (!(value instanceof UploadedFile)) return { path: [], message: "must be a file" };
  if (value.bytes.byteLength === 0) return { path: [], message: "must not be empty" };
  const isKnown = value.extension !== null;
  return isKnown ? null : { path: [], message: `has a format that is not known; it may be ${listFormats()}` };
};

/** Fields of a form are texts: a number is looked at as one, and goes on as it was written. */
function createNumberText(min: number, max: number): z.ZodString {
  const isWithin = (text: string) =>
    /^\d{1,3}(?:\.\d{1,16})?$/.test(text) && Number(text) >= min && Number(text) <= max;
  return z.string().refine(isWithin, `must be a number from ${min} to ${max}`);
}

const isNo = (value: unknown) => isUnsent(value) || /^(?:false|0)$/i.test(String(value));
/** How many characters a text has: Unicode's, of which some take two units of JavaScript's. */
export const countCharacters = (text: string): number => Array.from(text).length;

const ofUploads = {
  model: modelMember,
  file: required(
    createCheckedSchema<UploadedFile>(checkFile),
    "The audio: at most 25 MiB.",
    z.string().meta({ format: "binary" }),
  ),
  prompt: orEmpty(forwarded(z.string().max(8_192), "Text that the audio follows, or whose style it has.")),
  response_format: orEmpty(
    forwarded(z.enum(keysIn<TranscriptFormat>(transcriptTypes)), "`json` unless sent; `srt` and `vtt` have times."),
  ),
  temperature: orEmpty(forwarded(createNumberText(0, 1), "How freely words are chosen, from 0 to 1.")),
  stream: refused("no engine tells how long the audio of a stream is; leave it out", isNo),
  stream_include_usage: accepted("It is of streams, which there are not."),
  stream_continuous_usage_stats: accepted("It is of streams, which there are not."),
  chunking_strategy: accepted("The engine cuts long audio by itself."),
  "include[]": refused("engines tell no 'logprobs' of audio"),
  "known_speaker_names[]": refused("engines do not tell speakers apart"),
  "known_speaker_references[]": refused("engines do not tell speakers apart"),
  ...harmless,
  ...withheld,
  ...unavailable,
} as const;

/** The fields of `POST /v1/audio/transcriptions`. */
export const transcriptionMembers = {
  ...ofUploads,
  language: orEmpty(
    forwarded(z.string().regex(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{2,8})?$/), "What is spoken (ISO 639-1)."),
  ),
  "timestamp_granularities[]": orEmpty(
    forwarded(z.array(z.enum(["word", "segment"])).max(2), "Which times a `verbose_json` has."),
  ),
} as const;

/** The fields of `POST /v1/audio/translations`: the answer is in English. */
export const translationMembers = {
  ...ofUploads,
  language: accepted("The engine hears it."),
  "timestamp_granularities[]": refused("translations have times of segments alone"),
} as const;

/** The members of `POST /v1/audio/speech`. */
export const speechMembers = {
  model: modelMember,
  input: required(
    z
      .string()
      .min(1)
      .refine((text) => countCharacters(text) <= speechCharsMax, `must have at most ${speechCharsMax} characters`),
    `What is spoken: at most ${speechCharsMax} characters.`,
    z.string().min(1).max(speechCharsMax),
  ),
  voice: forwarded(z.string().min(1).max(256), "Whose voice: a name that the model knows."),
  response_format: forwarded(z.enum(keysIn<SpeechFormat>(speechTypes)), "The engine's own unless sent."),
  speed: forwarded(z.number().min(0.25).max(4), "1 unless sent."),
  instructions: orEmpty(forwarded(z.string().max(4_096), "How it is spoken, where the model can.")),
  stream_format: refused("sound comes as it is made, as 'audio'", (value) => isUnsent(value) || value === "audio"),
  stream: accepted("Sound comes as it is made."),
  ...harmless,
  ...withheld,
  ...unavailable,
} as const;

const inNetwork = "an address would lie in the network of a node; use 'b64_json'";

/** The members of `POST /v1/images/generations`. */
export const imagesMembers = {
  model: modelMember,
  prompt: required(
    z.string().min(1).max(imagePromptCharsMax),
    `What the pictures show: at most ${imagePromptCharsMax} characters.`,
  ),
  n: forwarded(z.int().min(1).max(imagesMax), `How many, 1 unless sent; at most ${imagesMax}.`),
  size: orEmpty(forwarded(z.string().regex(/^(?:auto|[1-9]\d{1,3}x[1-9]\d{1,3})$/), "`WIDTHxHEIGHT` in pixels.")),
  quality: orEmpty(forwarded(z.string().regex(/^[a-z]{1,16}$/), "A word that the model knows, such as `high`.")),
  style: orEmpty(forwarded(z.string().regex(/^[a-z]{1,16}$/), "A word that the model knows, such as `vivid`.")),
  background: orEmpty(forwarded(z.enum(["transparent", "opaque", "auto"]), "What is behind.")),
  output_format: orEmpty(forwarded(z.enum(["png", "jpeg", "webp"]), "How each is written.")),
  output_compression: forwarded(z.int().min(0).max(100), "Of JPEG and WebP, in percent."),
  response_format: refused(inNetwork, (value) => isUnsent(value) || value === "b64_json"),
  stream: refused("pictures come whole"),
  partial_images: refused("pictures come whole", (value) => isUnsent(value) || value === 0),
  moderation: accepted("Nothing is moderated here."),
  ...harmless,
  ...withheld,
  ...unavailable,
} as const;

/** The form of `POST /v1/audio/transcriptions`, within its bounds. */
export const TranscriptionBody = z.object(readShape(transcriptionMembers));
export type TranscriptionBody = z.infer<typeof TranscriptionBody>;
/** The form of `POST /v1/audio/translations`, within its bounds. */
export const TranslationBody = z.object(readShape(translationMembers));
export type TranslationBody = z.infer<typeof TranslationBody>;
/** The body of `POST /v1/audio/speech`, within its bounds. */
export const SpeechBody = z.object(readShape(speechMembers));
export type SpeechBody = z.infer<typeof SpeechBody>;
/** The body of `POST /v1/images/generations`, within its bounds. */
export const ImagesBody = z.object(readShape(imagesMembers));
export type ImagesBody = z.infer<typeof ImagesBody>;

function listFormats(): string {
  return audioExtensions.join(", ");
}

/** The names in a table of formats. */
function keysIn<Name extends string>(table: Readonly<Record<Name, string>>): Name[] {
  const isName = (name: string): name is Name => Object.hasOwn(table, name);
  return Object.keys(table).filter(isName);
}
