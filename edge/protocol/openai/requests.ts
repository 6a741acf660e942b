import type { z } from "zod";
import { imagesMembers, speechMembers, transcriptionMembers, translationMembers } from "../media/members.ts";
import { rerankMembers, scoreMembers } from "../ranking/members.ts";
import { chatMembers, text2sqlMembers } from "./members/chat.ts";
import { completionsMembers } from "./members/completions.ts";
import { embeddingsMembers } from "./members/embeddings.ts";
import { describeMembers } from "./members/member.ts";
import { responsesMembers } from "./responses/members.ts";

/** The bodies of the endpoints that engines know, each within its bounds. */
export { ImagesBody, SpeechBody, TranscriptionBody, TranslationBody } from "../media/members.ts";
export { RerankBody, ScoreBody } from "../ranking/members.ts";
export { ChatBody, Text2SqlBody } from "./members/chat.ts";
export { CompletionsBody } from "./members/completions.ts";
export { EmbeddingsBody } from "./members/embeddings.ts";

/** The body of `POST /v1/chat/completions`, as the API's document tells it: from the table that calls are read by. */
export const ChatCompletionRequest: z.ZodObject = describeMembers(chatMembers);
/** The body of `POST /text2sql`. */
export const Text2SqlRequest: z.ZodObject = describeMembers(text2sqlMembers);
/** The body of `POST /v1/completions`. */
export const CompletionRequest: z.ZodObject = describeMembers(completionsMembers);
/** The body of `POST /v1/responses`. */
export const ResponsesRequest: z.ZodObject = describeMembers(responsesMembers);
/** The body of `POST /v1/embeddings`. */
export const EmbeddingRequest: z.ZodObject = describeMembers(embeddingsMembers);
/** The body of `POST /v1/rerank`. */
export const RerankRequest: z.ZodObject = describeMembers(rerankMembers);
/** The body of `POST /v1/score`. */
export const ScoreRequest: z.ZodObject = describeMembers(scoreMembers);
/** The form of `POST /v1/audio/transcriptions`. */
export const TranscriptionRequest: z.ZodObject = describeMembers(transcriptionMembers);
/** The form of `POST /v1/audio/translations`. */
export const TranslationRequest: z.ZodObject = describeMembers(translationMembers);
/** The body of `POST /v1/audio/speech`. */
export const SpeechRequest: z.ZodObject = describeMembers(speechMembers);
/** The body of `POST /v1/images/generations`. */
export const ImagesRequest: z.ZodObject = describeMembers(imagesMembers);
