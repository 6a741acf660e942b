import { hashText, mix } from "../text/hash.ts";
import { detokenize, tokenBytes, tokenText, tokenize } from "../text/tokenizer.ts";

interface Candidate {
  token: string;
  logprob: number;
  bytes: number[];
}

const others = tokenize(
  " water gate mill river wheel stone flow turns opens closes holds feeds runs slow fast deep cold small large model",
);

/** The token drawn and `count - 1` others, most likely first; a pure function of the token and its position. */
function candidates(token: number, at: number, count: number, hasIds: boolean): Candidate[] {
  const first = -0.01 - (mix(token, at) % 1_000) / 2_000;
  const rest = Array.from(
    { length: Math.max(0, count - 1) },
    (_, rank) => others[(mix(token, at) + rank) % others.length] ?? 0,
  );
  return [token, ...rest].map((candidate, rank) => ({
    token: hasIds ? `token_id:${candidate}` : tokenText(candidate),
    logprob: first - rank * 1.5,
    bytes: tokenBytes(candidate),
  }));
}

/** `choices[].logprobs` of chat: each token with its bytes and alternatives. */
export function chatLogprobs(tokens: readonly number[], firstAt: number, count: number, hasIds: boolean) {
  return {
    content: tokens.map((token, at) => {
      const all = candidates(token, firstAt + at, Math.max(1, count), hasIds);
      const [drawn = { token: "", logprob: 0, bytes: [] }] = all;
      return { ...drawn, top_logprobs: count > 0 ? all : [] };
    }),
  };
}

/** Where the tokens stand in the answer and its text, and how each is named. */
export interface CompletionLogprobsOptions {
  firstAt: number;
  /** Alternatives for each token. */
  count: number;
  /** Tokens go by their ids instead of their text. */
  hasIds: boolean;
  textOffset: number;
  /** The first token begins an echoed prompt. */
  isPromptFirst: boolean;
}

/** `choices[].logprobs` of completions. The first token of an echoed prompt has none. */
export function completionLogprobs(
  tokens: readonly number[],
  { firstAt, count, hasIds, textOffset, isPromptFirst }: CompletionLogprobsOptions,
) {
  const text_offset: number[] = [];
  const token_logprobs: (number | null)[] = [];
  const top_logprobs: (Record<string, number> | null)[] = [];
  const names: string[] = [];
  let offset = textOffset;
  tokens.forEach((token, at) => {
    const all = candidates(token, firstAt + at, Math.max(1, count), hasIds);
    const isBare = isPromptFirst && at === 0;
    text_offset.push(offset);
    token_logprobs.push(isBare ? null : (all[0]?.logprob ?? null));
    top_logprobs.push(isBare ? null : Object.fromEntries(all.map(({ token: name, logprob }) => [name, logprob])));
    names.push(all[0]?.token ?? "");
    offset += (all[0]?.token ?? "").length;
  });
  return { text_offset, token_logprobs, tokens: names, top_logprobs };
}

/** `prompt_logprobs`: for each prompt token but the first a map from token id to its logprob and rank. */
export function promptLogprobs(
  prompt: readonly number[],
  count: number,
): (Record<string, { logprob: number; rank: number; decoded_token: string }> | null)[] {
  return prompt.map((token, at) => {
    if (at === 0) return null;
    const rest = others.slice(0, Math.max(0, count - 1));
    return Object.fromEntries(
      [token, ...rest].map((id, rank) => [
        String(id),
        { logprob: -0.01 - rank * 1.5, rank: rank + 1, decoded_token: tokenText(id) },
      ]),
    );
  });
}

/** A unit vector that depends on nothing but the text: what an embedding model would answer, without its meaning. */
export function embed(tokens: readonly number[], dimensions: number): number[] {
  const seed = hashText(detokenize(tokens));
  const raw = Array.from({ length: dimensions }, (_, at) => mix(seed, at) / 0xffff_ffff - 0.5);
  const norm = Math.hypot(...raw) || 1;
  return raw.map((value) => value / norm);
}
