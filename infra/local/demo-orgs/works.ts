import type { CallEndpoint } from "#edge/agreements/paths.ts";
import type { Chance } from "./random.ts";

/** A kind of call that the demo's programs make. */
export interface Work {
  /** The model's alias. */
  model: string;
  endpoint: CallEndpoint;
  /** What a call of it took: how long its prompt and answer are about, and how fast it was. */
  promptTokens: number;
  /** The part of its prompt that an engine has in its cache at best. */
  cachedShare: number;
  completionTokens: number;
  /** Units of a call, and what each counts as in tokens; 0 where the prompt's tokens are counted beside them. */
  units?: { count: number; tokens: number };
  msPerToken: number;
  ttftMs: number | null;
  /** What its answer's id begins with. */
  idPrefix: string | null;
  /** A body that makes such a call. */
  writeBody(chance: Chance): Record<string, unknown>;
}

const questions = [
  "Why is the sea salt?",
  "Summarize this note for the night shift: the pump was quiet, the level rose by two hands.",
  "Write a haiku about weirs.",
  "Explain head and flow to a child.",
  "Which three books would you put beside the tide tables, and why?",
  "Translate into plain words: the sluice is to be kept ajar.",
];
const documents = ["A bird.", "A hole with water.", "A door in a dam.", "A loaf of rye.", "A table of tides."];
const tables = "CREATE TABLE loans (book TEXT, reader TEXT, due TEXT); CREATE TABLE readers (id TEXT, name TEXT);";

function ask(chance: Chance) {
  const content = questions[Math.floor(chance.next() * questions.length)] ?? "";
  return [{ role: "user", content }];
}
const tokens = (chance: Chance, middle: number) => Math.max(1, Math.round(chance.around(middle, 1.6)));

/** All kinds, by the names that the cast knows. */
export const works = {
  chat: {
    model: "chat",
    endpoint: "chat.completions",
    promptTokens: 900,
    cachedShare: 0.6,
    completionTokens: 260,
    msPerToken: 18,
    ttftMs: 320,
    idPrefix: "chatcmpl-hold_",
    writeBody: (chance) => ({
      model: "chat",
      stream: chance.next() < 0.7,
      messages: ask(chance),
      max_tokens: tokens(chance, 90),
    }),
  },
  assistant: {
    model: "chat",
    endpoint: "responses",
    promptTokens: 1_600,
    cachedShare: 0.8,
    completionTokens: 340,
    msPerToken: 18,
    ttftMs: 380,
    idPrefix: "resp_",
    writeBody: (chance) => ({ model: "chat", input: ask(chance), max_output_tokens: tokens(chance, 80) }),
  },
  message: {
    model: "chat",
    endpoint: "messages",
    promptTokens: 1_100,
    cachedShare: 0.5,
    completionTokens: 300,
    msPerToken: 19,
    ttftMs: 350,
    idPrefix: "msg_",
    writeBody: (chance) => ({ model: "chat", messages: ask(chance), max_tokens: tokens(chance, 80) }),
  },
  sql: {
    model: "text2sql",
    endpoint: "text2sql",
    promptTokens: 700,
    cachedShare: 0.85,
    completionTokens: 90,
    msPerToken: 21,
    ttftMs: 290,
    idPrefix: "chatcmpl-hold_",
    writeBody: (chance) => ({
      messages: [{ role: "user", content: `${tables}\nWho has not returned a book?` }],
      max_tokens: tokens(chance, 50),
    }),
  },
  embed: {
    model: "embed",
    endpoint: "embeddings",
    promptTokens: 240,
    cachedShare: 0,
    completionTokens: 0,
    msPerToken: 0.2,
    ttftMs: null,
    idPrefix: "embd-",
    writeBody: (chance) => ({ model: "embed", input: documents.filter(() => chance.next() < 0.7).concat("tide") }),
  },
  rerank: {
    model: "rerank",
    endpoint: "rerank",
    promptTokens: 520,
    cachedShare: 0,
    completionTokens: 0,
    units: { count: 5, tokens: 0 },
    msPerToken: 0.3,
    ttftMs: null,
    idPrefix: "rerank-",
    writeBody: () => ({ model: "rerank", query: "What is a well?", documents }),
  },
  speech: {
    model: "tts",
    endpoint: "audio.speech",
    promptTokens: 0,
    cachedShare: 0,
    completionTokens: 0,
    units: { count: 180, tokens: 1 },
    msPerToken: 4,
    ttftMs: 60,
    idPrefix: null,
    writeBody: (chance) => ({ model: "tts", voice: "af_heart", input: ask(chance)[0]?.content }),
  },
  picture: {
    model: "image",
    endpoint: "images.generations",
    promptTokens: 0,
    cachedShare: 0,
    completionTokens: 0,
    units: { count: 1, tokens: 1_000 },
    msPerToken: 2,
    ttftMs: null,
    idPrefix: null,
    writeBody: () => ({ model: "image", prompt: "A weir at dusk, seen from the bakery" }),
  },
} as const satisfies Record<string, Work>;

/** The name of a kind of call. */
export type WorkName = keyof typeof works;

/** What is known of a kind by its name. */
export function findWork(name: WorkName): Work {
  return works[name];
}
