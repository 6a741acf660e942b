import { promptRatioMax, promptRatioMin, type TrafficProfile } from "#edge/agreements/records/traffic-profile.ts";
import type { CountColumn } from "#edge/agreements/records/usage-columns.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { profilesMax } from "#edge/limits.ts";

/**
 * What an ended call adds to its org's traffic profile: its final record, whose prompt is 0 when nobody has counted it,
 * and what was requested.
 */
export interface EndedCall extends Pick<UsageRecord, "org" | "model" | Exclude<CountColumn, "units"> | "outcome"> {
  /** Over all prompts; 0 for embeddings. */
  choices: number;
  /** For each choice, as held. */
  completionTokensMax: number;
  /** The edge's estimate of the prompt; undefined when it made none worth comparing. */
  promptTokensGuess: number | undefined;
  /** By how much the bound of its prompt should have been multiplied; 1 for a bound that was one. */
  boundFactor: number;
}

/** What this node has seen of each org's calls to each model. In memory only: after a restart it is learned anew. */
export interface TrafficProfiles {
  note(call: EndedCall): void;
  /** `null` until enough calls have ended. */
  read(org: string, model: string): TrafficProfile | null;
  /** The greatest factor that one of these calls' bounds needed; 1 for none. */
  readBoundFactor(org: string, model: string): number;
  readonly size: number;
}

/** A call weighs 0.99 of the one after it: in effect the last hundred count. */
const fading = 0.99;
/** Fewer calls make no profile. */
const callsMin = 16;
/** An end is believed where so many calls got so far; a lone long answer among short ones proves nothing. */
const reachedMin = 4;
const longShare = 0.1;

/**
 * Lengths are counted in classes, each a fourth root of two (19 %) wider than the one before; class 0 is 'no token',
 * the last one is all from 262,144 on.
 */
const classesPerDouble = 4;
const classesMax = 2 + 18 * classesPerDouble;

/** Sums over calls, each with its weight. */
interface Entry {
  calls: number;
  /** Completions, over all classes. */
  outputs: number;
  /**
   * By class of length those that ended by themselves and, `classesMax` further on, those that `max_tokens`, the caller
   * or a fault stopped.
   */
  lengths: Float64Array;
  cachedTokens: number;
  promptTokens: number;
  promptTokensGuess: number;
  boundFactor: number;
}

/**
 * Remembers at most `entriesMax` pairs of org and model, about 1.5 kB each; the one that was longest without a call
 * goes first.
 */
export function openTrafficProfiles(entriesMax: number = profilesMax): TrafficProfiles {
  const entries = new Map<string, Entry>();
  return {
    note(call) {
      const key = buildKey(call.org, call.model);
      const entry = entries.get(key) ?? newEntry();
      entries.delete(key);
      entries.set(key, entry);
      fade(entry);
      addCall(entry, call);
      entry.boundFactor = Math.max(entry.boundFactor, call.boundFactor);
      if (entries.size <= entriesMax) return;
      for (const oldest of entries.keys()) return void entries.delete(oldest);
    },
    read(org, model) {
      const entry = entries.get(buildKey(org, model));
      return entry && entry.calls >= sumWeights(callsMin) ? buildProfile(entry) : null;
    },
    readBoundFactor: (org, model) => entries.get(buildKey(org, model))?.boundFactor ?? 1,
    get size() {
      return entries.size;
    },
  };
}

const buildKey = (org: string, model: string) => `${org} ${model}`;

function newEntry(): Entry {
  return {
    calls: 0,
    outputs: 0,
    lengths: new Float64Array(2 * classesMax),
    cachedTokens: 0,
    promptTokens: 0,
    promptTokensGuess: 0,
    boundFactor: 1,
  };
}

/** What `calls` calls in a row weigh, the last one as 1. */
function sumWeights(calls: number): number {
  return (1 - fading ** calls) / (1 - fading) - 1e-9;
}

function fade(entry: Entry): void {
  entry.calls *= fading;
  entry.outputs *= fading;
  entry.cachedTokens *= fading;
  entry.promptTokens *= fading;
  entry.promptTokensGuess *= fading;
  for (let at = 0; at < entry.lengths.length; at++) entry.lengths[at] = (entry.lengths[at] ?? 0) * fading;
}

function addCall(entry: Entry, call: EndedCall): void {
  entry.calls++;
  entry.cachedTokens += call.cachedTokens;
  if (call.promptTokensGuess && call.promptTokens > 0) {
    entry.promptTokens += call.promptTokens;
    entry.promptTokensGuess += call.promptTokensGuess;
  }
  if (call.choices === 0) return;
  const tokens = call.completionTokens / call.choices;
  const hasEnded = call.outcome === "completed" && tokens < call.completionTokensMax;
  const at = findClass(tokens) + (hasEnded ? 0 : classesMax);
  entry.lengths[at] = (entry.lengths[at] ?? 0) + 1;
  entry.outputs++;
}

function findClass(tokens: number): number {
  if (tokens <= 0) return 0;
  return Math.min(classesMax - 1, 1 + Math.max(0, Math.ceil(classesPerDouble * Math.log2(tokens) - 1e-9)));
}

/** The longest length of a class, in tokens. */
function computeTokens(at: number): number {
  return at === 0 ? 0 : Math.floor(2 ** ((at - 1) / classesPerDouble) + 1e-9);
}

function buildProfile(entry: Entry): TrafficProfile {
  const ratio = entry.promptTokensGuess > 0 ? entry.promptTokens / entry.promptTokensGuess : 1;
  return {
    ...estimateOutput(entry),
    cachedTokens: Math.round(entry.cachedTokens / entry.calls),
    promptRatio: Math.min(Math.max(ratio, promptRatioMin), promptRatioMax),
  };
}

/**
 * The length that nine of ten completions stay within, if nothing stops them: the product-limit estimate (Kaplan and
 * Meier, 1958). A completion that was stopped counts as long as it ran and no further, so an org that requests one
 * token in most calls is not taken for one whose answers are short.
 */
function estimateOutput({ lengths, outputs }: Entry): Pick<TrafficProfile, "outputTokens" | "isAtLeast"> {
  const enough = sumWeights(reachedMin);
  let reached = outputs;
  let longer = 1;
  for (let at = 0; at < classesMax; at++) {
    if (reached < enough) return { outputTokens: computeTokens(Math.max(0, at - 1)), isAtLeast: true };
    const [ended = 0, stopped = 0] = [lengths[at], lengths[classesMax + at]];
    longer *= 1 - ended / reached;
    if (longer <= longShare + 1e-9) return { outputTokens: computeTokens(at), isAtLeast: false };
    reached -= ended + stopped;
  }
  return { outputTokens: computeTokens(classesMax - 1), isAtLeast: true };
}
