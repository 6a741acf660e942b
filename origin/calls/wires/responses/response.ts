import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { buildErrorBody, type Refusal } from "#edge/errors.ts";
import type { AnswerContext } from "../wire.ts";

/** How an item, or a whole answer, stands; an item never fails. */
export type ResponseStatus = "in_progress" | "completed" | "incomplete" | "failed";

/** What is to be told of an answer beside what its context knows. */
export interface ResponseState {
  status: ResponseStatus;
  output: JsonObject[];
  /** Why the engine ended it (`finish_reason`). */
  finish?: string | null;
  refusal?: Refusal;
}

/** The id of an answer; under it the edge stores it, where it does (`nameHeldResponse`). */
export function nameResponse({ reference }: Pick<AnswerContext, "reference">): string {
  return `resp_${reference}`;
}

/** How an answer ended by the engine's `finish_reason`: cut short where it ran out of tokens or was filtered. */
export function readEndStatus(finish: string | null): "completed" | "incomplete" {
  return finish === "length" || finish === "content_filter" ? "incomplete" : "completed";
}

/**
 * A `response` of OpenAI's Responses API: what was asked, what came of it, and, once it has ended, what is billed.
 * Settings that the caller left to the engine are null. Whether it is to be stored, and what it goes on from, is among
 * what it repeats: the edge knows.
 */
export function buildResponse(context: AnswerContext, state: ResponseState): JsonObject {
  const { repeated, model, startedAtMs } = context;
  const { status, output, finish = null, refusal } = state;
  return {
    id: nameResponse(context),
    object: "response",
    created_at: toSeconds(startedAtMs),
    ...(status === "completed" && { completed_at: toSeconds(context.now()) }),
    status,
    background: false,
    error: refusal ? { code: "server_error", message: buildErrorBody(refusal).error.message } : null,
    incomplete_details:
      status === "incomplete" ? { reason: finish === "length" ? "max_output_tokens" : "content_filter" } : null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    temperature: null,
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: "disabled",
    user: null,
    metadata: {},
    ...repeated,
    reasoning: { effort: null, summary: null, ...readMember(repeated, "reasoning") },
    text: { format: { type: "text" }, ...readMember(repeated, "text") },
    usage: status === "in_progress" ? null : buildUsage(context, status),
  };
}

function readMember(repeated: JsonObject, name: string): JsonObject {
  const value = repeated[name];
  return isObject(value) ? value : {};
}

/** Null for what failed before anything was made: nobody may have counted its prompt, and then nobody pays for it. */
function buildUsage(context: AnswerContext, status: ResponseStatus): JsonObject | null {
  const { prompt, cached, completion, reasoning } = context.readUsage();
  if (status === "failed" && completion === 0) return null;
  return {
    input_tokens: prompt,
    // Engines write what they like into their caches, and nobody pays for it.
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + completion,
  };
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
