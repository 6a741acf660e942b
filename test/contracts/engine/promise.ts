import type { EngineClient } from "./engine-client.ts";

/** Where chat calls go. */
export const chat = "/v1/chat/completions";
/** Where completions go. */
export const completions = "/v1/completions";

/** What every promise is given: a client, the model, and a chat call to change. */
export interface PromiseTools {
  client: EngineClient;
  model: string;
  ask: { model: string; messages: { role: string; content: string }[] };
  embeddingModel: string | null;
}
/** Declares one promise: a sentence, and how it is seen to be kept. */
export type Promised = (sentence: string, keep: (bench: PromiseTools) => Promise<void>) => void;
