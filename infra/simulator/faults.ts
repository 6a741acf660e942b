import { isRecord } from "./text/schema.ts";

/** The kinds of faults, by name. */
export const faultKinds = [
  "kill",
  "cut",
  "stall",
  "error-event",
  "slow-headers",
  "slow-first-token",
  "usage",
  "status",
  "garbage",
] as const;

/**
 * What goes wrong: `kill` every socket (and the process, in the runnable entry), `cut` this socket, `stall` for good,
 * `error-event` as vLLM sends it, `slow-headers` and `slow-first-token` by `ms`, `usage` that lies, a bare `status`, or
 * `garbage` for a body.
 */
export type FaultKind = (typeof faultKinds)[number];

/** The ways in which usage can lie, by name. */
export const usageLies = ["less", "zero", "missing", "garbage", "more"] as const;
/** Half of the completion tokens, none, no usage at all, values that are not counts, or a prompt of `tokens`. */
export type UsageLie = (typeof usageLies)[number];

/**
 * One fault. Which calls it meets: `path` and `model` narrow, `times` limits. Where it strikes: after so many chunks or
 * bytes of the body; 0 = before the first.
 */
export interface FaultRule {
  kind: FaultKind;
  path?: string;
  model?: string;
  times?: number;
  /** Events of a stream, `[DONE]` included; the body of a whole answer is one. */
  afterChunks?: number;
  /** Counted in the body; the chunk in which it falls is sent up to there. */
  afterBytes?: number;
  ms?: number;
  status?: number;
  /** Body of `status` and `garbage`. By default what vLLM says with that status, or a page of HTML. */
  body?: string;
  lie?: UsageLie;
  /** Of the prompt, for `more`. */
  tokens?: number;
}

/** Reads a rule from the body of `POST /sim/faults`; throws `RangeError` with what is wrong with it. */
export function readFaultRule(value: unknown): FaultRule {
  if (!isRecord(value)) throw new RangeError("a fault is an object");
  const kind = faultKinds.find((known) => known === value["kind"]);
  if (!kind) throw new RangeError(`kind must be one of ${faultKinds.join(", ")}`);
  const rule: FaultRule = { kind };
  for (const name of ["times", "afterChunks", "afterBytes", "ms", "status", "tokens"] as const) {
    const number = value[name];
    if (number === undefined) continue;
    if (typeof number !== "number" || !Number.isInteger(number) || number < 0)
      throw new RangeError(`${name} must be a whole number of at least 0`);
    rule[name] = number;
  }
  for (const name of ["path", "model", "body"] as const) {
    const text = value[name];
    if (text === undefined) continue;
    if (typeof text !== "string") throw new RangeError(`${name} must be text`);
    rule[name] = text;
  }
  if (value["lie"] !== undefined) {
    const lie = usageLies.find((known) => known === value["lie"]);
    if (!lie) throw new RangeError(`lie must be one of ${usageLies.join(", ")}`);
    rule.lie = lie;
  }
  const unknown = Object.keys(value).filter((name) => !(name in rule));
  if (unknown.length > 0) throw new RangeError(`unknown member ${unknown.join(", ")}`);
  return rule;
}

/** The faults in force. A rule without a `path` meets every call of a model, and nothing else. */
export class ActiveFaults {
  #rules: { rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? Infinity });
  }

  clear(): void {
    this.#rules = [];
  }

  /** What is still in force, with what is left of `times`. */
  list(): FaultRule[] {
    return this.#rules.map(({ rule, left }) => (left === Infinity ? rule : { ...rule, times: left }));
  }

  /** The faults that this call meets; each is used up by one. */
  draw(path: string, names: readonly string[], isModelCall: boolean): FaultRule[] {
    const met = this.#rules.filter(({ rule, left }) => {
      const isHere = rule.path === undefined ? isModelCall : rule.path === path;
      return left > 0 && isHere && (rule.model === undefined || names.includes(rule.model));
    });
    for (const entry of met) entry.left--;
    this.#rules = this.#rules.filter(({ left }) => left > 0);
    return met.map(({ rule }) => rule);
  }
}

/** A usage object as JSON, or `null` for none, after what the faults make of it. */
export function writeUsage(usage: Readonly<Record<string, unknown>>, rules: readonly FaultRule[]): string | null {
  const lie = rules.find((rule) => rule.kind === "usage");
  if (!lie) return JSON.stringify(usage);
  const prompt = Number(usage["prompt_tokens"]);
  const completion = lie.lie === "zero" ? 0 : Math.floor(Number(usage["completion_tokens"]) / 2);
  if (lie.lie === "missing") return null;
  if (lie.lie === "more") return JSON.stringify(countMore(usage, lie.tokens ?? 0));
  if (lie.lie === "garbage")
    return JSON.stringify({
      ...usage,
      prompt_tokens: -1,
      total_tokens: "1e3",
      completion_tokens: 1.5,
      prompt_tokens_details: { cached_tokens: null },
    });
  return JSON.stringify({ ...usage, total_tokens: prompt + completion, completion_tokens: completion });
}

function countMore(usage: Readonly<Record<string, unknown>>, promptTokens: number): Record<string, unknown> {
  const total = promptTokens + Number(usage["completion_tokens"]);
  return { ...usage, prompt_tokens: promptTokens, total_tokens: total };
}
