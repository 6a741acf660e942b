import type { z } from "zod";
import { describeMembers } from "../openai/members/member.ts";
import { ollamaChatMembers, ollamaEmbedMembers, ollamaGenerateMembers } from "./members.ts";

/** The body of `POST /api/chat`, as the API's document tells it: from the table that calls are read by. */
export const OllamaChatRequest: z.ZodObject = describeMembers(ollamaChatMembers);
/** The body of `POST /api/generate`. */
export const OllamaGenerateRequest: z.ZodObject = describeMembers(ollamaGenerateMembers);
/** The body of `POST /api/embed` and `/api/embeddings`. */
export const OllamaEmbedRequest: z.ZodObject = describeMembers(ollamaEmbedMembers);
