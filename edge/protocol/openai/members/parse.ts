import type { z } from "zod";
import { isObject, type JsonObject } from "../../../agreements/json.ts";
import type { EngineEndpoint } from "../../../agreements/paths.ts";
import { parseBody } from "../../fields.ts";
import {
  ImagesBody,
  imagesMembers,
  SpeechBody,
  speechMembers,
  TranscriptionBody,
  transcriptionMembers,
  TranslationBody,
  translationMembers,
} from "../../media/members.ts";
import { RerankBody, rerankMembers, ScoreBody, scoreMembers } from "../../ranking/members.ts";
import { ChatBody, chatMembers, Text2SqlBody, text2sqlMembers } from "./chat.ts";
import { CompletionsBody, completionsMembers } from "./completions.ts";
import { EmbeddingsBody, embeddingsMembers } from "./embeddings.ts";
import { pickMembers, type IgnoredMembers, type MemberTable } from "./member.ts";
import { readPlainChat } from "./plain/plain-chat.ts";

/** The members of each endpoint's bodies: what becomes of each, and why. */
export const memberTables: Readonly<Record<EngineEndpoint, MemberTable>> = {
  "chat.completions": chatMembers,
  completions: completionsMembers,
  embeddings: embeddingsMembers,
  text2sql: text2sqlMembers,
  rerank: rerankMembers,
  score: scoreMembers,
  "audio.transcriptions": transcriptionMembers,
  "audio.translations": translationMembers,
  "audio.speech": speechMembers,
  "images.generations": imagesMembers,
};

/**
 * Reads a body by its endpoint's table: what says nothing is left out, what no row knows is ignored and named, what
 * cannot be had and what is out of bounds is refused with its path.
 */
export const parseMembers = {
  "chat.completions": openParser(ChatBody, chatMembers, readPlainChat),
  completions: openParser(CompletionsBody, completionsMembers),
  embeddings: openParser(EmbeddingsBody, embeddingsMembers),
  text2sql: openParser(Text2SqlBody, text2sqlMembers),
  rerank: openParser(RerankBody, rerankMembers),
  score: openParser(ScoreBody, scoreMembers),
  "audio.transcriptions": openParser(TranscriptionBody, transcriptionMembers),
  "audio.translations": openParser(TranslationBody, translationMembers),
  "audio.speech": openParser(SpeechBody, speechMembers),
  "images.generations": openParser(ImagesBody, imagesMembers),
} as const;

/** `readPlain` reads what is surely right and has nothing to leave out, as the schema would; null leaves it to that. */
function openParser<Body>(
  schema: z.ZodType<Body>,
  table: MemberTable,
  readPlain: (json: JsonObject) => Body | null = () => null,
) {
  return (json: unknown, ignored: IgnoredMembers): Body => {
    if (!isObject(json)) return parseBody(schema, json);
    return readPlain(json) ?? parseBody(schema, pickMembers(json, table, ignored));
  };
}
