import { habitHeader, readHabit, type Habit } from "../../agreements/records/traffic-profile.ts";
import type { Coefficients, ModelRecord } from "../../agreements/records/model.ts";
import type { NodeRecord } from "../../agreements/records/node.ts";
import { habitsMax, habitStaleMs, habitTellersMax } from "../../limits.ts";
import type { Call } from "../../protocol/openai/call.ts";
import { coefficientsOf, l4With7B } from "./coefficients.ts";
import { isComplexNext, judge, stranger, type Asked, type Known, type Verdict } from "./complexity.ts";

/**
 * Classifies calls by what this isolate remembers of their orgs, with no I/O. A wrong memory costs placement, and with
 * it the tier's price, but never a limit.
 */
export interface Judge {
  judge(org: string, call: Asked & Pick<Call, "model">): Verdict;
  /** Learns the org's traffic profile from the headers of a node's answer. */
  told(org: string, model: string, node: string, headers: Pick<Headers, "get">, nowMs: number): void;
  readonly size: number;
}

interface Told {
  node: string;
  habit: Habit;
  atMs: number;
}

/** Lives as long as the isolate, or until `entriesMax` others have been used later. */
interface Memory extends Known {
  told: Told[];
}

/**
 * Opens a classifier with no history. It remembers at most `entriesMax` pairs of org and model, some 300 bytes each per
 * node.
 */
export function openJudge(
  models: readonly ModelRecord[],
  nodes: readonly NodeRecord[],
  entriesMax: number = habitsMax,
): Judge {
  const coefficients = new Map<string, Coefficients>(models.map((model) => [model.id, coefficientsOf(model, nodes)]));
  const memories = new Map<string, Memory>();
  const remember = (key: string, memory: Memory): void => {
    memories.delete(key);
    memories.set(key, memory);
    if (memories.size <= entriesMax) return;
    for (const oldest of memories.keys()) return void memories.delete(oldest);
  };
  return {
    judge(org, call) {
      const key = keyOf(org, call.model.id);
      const memory = memories.get(key);
      const verdict = judge(call, memory ?? stranger, coefficients.get(call.model.id) ?? l4With7B);
      const wasComplex = isComplexNext(verdict, memory?.wasComplex ?? false);
      // Most orgs never come near a threshold, and need no entry.
      if (memory || wasComplex) remember(key, { habit: memory?.habit ?? null, told: memory?.told ?? [], wasComplex });
      return verdict;
    },
    told(org, model, node, headers, nowMs) {
      const habit = readHabit(headers.get(habitHeader));
      if (!habit) return;
      const key = keyOf(org, model);
      const memory = memories.get(key);
      const others = memory?.told.filter((one) => one.node !== node && nowMs - one.atMs < habitStaleMs) ?? [];
      const told = [{ node, habit, atMs: nowMs }, ...others].slice(0, habitTellersMax);
      remember(key, { habit: mostOf(told.map((one) => one.habit)), told, wasComplex: memory?.wasComplex ?? false });
    },
    get size() {
      return memories.size;
    },
  };
}

const keyOf = (org: string, model: string) => `${org} ${model}`;

/**
 * Nodes see different calls of an org, the shared ones its smaller ones, so the most demanding values win: the longest
 * output (open-ended if its reporter says so), the fewest cached tokens, the greatest ratio.
 */
function mostOf(habits: Habit[]): Habit | null {
  const [first, ...others] = habits;
  if (!first) return null;
  return others.reduce((most, habit) => {
    const isLonger =
      habit.outputTokens > most.outputTokens || (habit.outputTokens === most.outputTokens && habit.isAtLeast);
    const { outputTokens, isAtLeast } = isLonger ? habit : most;
    return {
      outputTokens,
      isAtLeast,
      cachedTokens: Math.min(most.cachedTokens, habit.cachedTokens),
      promptRatio: Math.max(most.promptRatio, habit.promptRatio),
    };
  }, first);
}
