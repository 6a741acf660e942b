import type { NativeProtocol } from "#infra/checks/accept/protocols/questions.ts";
import { writeFound, type Found } from "./compare.ts";

/**
 * What vLLM's own endpoint says otherwise than ours, and why that is right. A row is `path | vLLM's | ours`, as
 * `writeFound` writes it.
 */
export interface Difference {
  protocol: NativeProtocol;
  /** The questions (infra/checks/accept/protocols/questions.ts) where it is so; everywhere when there are none. */
  of?: readonly string[];
  why: string;
  /** Seen only where an edge and an engine run: the engine finds the fault, or the question is not recorded. */
  isLive?: true;
  rows: readonly string[];
}

const extra = "vLLM's own, which OpenAI's form has not";
const unset = "an option that OpenAI's form leaves out where nobody set it";
const types = "vLLM gives its own names to errors, without those that the SDKs know";

/** Everything that differs, and nothing that does not: `npm test` and `npm run accept` both hold it against vLLM. */
export const differences: readonly Difference[] = [
  {
    protocol: "responses",
    why: "an answer that was cut ends with `response.incomplete`, and its item is `incomplete`: OpenAI's form",
    rows: [
      "message.status | `completed` | `incomplete`",
      "event response.completed | sent | not sent",
      "event response.incomplete | not sent | sent",
    ],
  },
  {
    protocol: "responses",
    why: "OpenAI's answers have these members, so clients may count on them",
    rows: [
      "response.error | absent | null",
      "response.store | absent | false",
      "response.completed_at | absent | a number",
      "response.prompt_cache_key | absent | `mine`",
    ],
  },
  {
    protocol: "responses",
    why: "what nobody asked for is told by its default, as OpenAI does it, not by null",
    rows: [
      "response.metadata | null | {}",
      "response.reasoning | null | an object",
      "response.text | null | an object",
      "response.top_logprobs | null | 0",
      "output_text.logprobs | null | []",
    ],
  },
  {
    protocol: "responses",
    why: "without tools vLLM says that none may be called; the default is `auto`",
    rows: ["response.tool_choice | `none` | `auto`"],
  },
  {
    protocol: "responses",
    why: "what the caller left to the engine is null; engines do not tell what they took",
    rows: ["response.top_p | 1 | null"],
  },
  {
    protocol: "responses",
    of: ["settings and notes"],
    why: "a greedy answer has vLLM's `top_p`; ours repeats what was asked",
    rows: ["response.top_p | 1 | 0.9"],
  },
  {
    protocol: "responses",
    of: ["no bound: to the end of the context"],
    isLive: true,
    why: "vLLM tells what was left of the context; OpenAI says null where no bound was set",
    rows: ["response.max_output_tokens | a number | null"],
  },
  {
    protocol: "responses",
    why: extra,
    rows: [
      "response.usage.input_tokens_details.input_tokens_per_turn | [] | absent",
      "response.usage.input_tokens_details.cached_tokens_per_turn | [] | absent",
      "response.usage.output_tokens_details.tool_output_tokens | 0 | absent",
      "response.usage.output_tokens_details.output_tokens_per_turn | [] | absent",
      "response.usage.output_tokens_details.tool_output_tokens_per_turn | [] | absent",
      "response.presence_penalty | 0 | absent",
      "response.frequency_penalty | 0 | absent",
      "response.kv_transfer_params | null | absent",
      "response.ec_transfer_params | null | absent",
      "response.input_messages | null | absent",
      "response.output_messages | null | absent",
    ],
  },
  {
    protocol: "responses",
    why: unset,
    rows: [
      "response.prompt | null | absent",
      "response.service_tier | `auto` | absent",
      "response.reasoning.context | null | absent",
      "response.reasoning.generate_summary | null | absent",
      "response.reasoning.mode | null | absent",
      "response.text.verbosity | null | absent",
      "response.text.format.description | null | absent",
      "response.tools[].allowed_callers | null | absent",
      "response.tools[].async | null | absent",
      "response.tools[].defer_loading | null | absent",
      "response.tools[].output_schema | null | absent",
      "message.phase | null | absent",
      "function_call.async | null | absent",
      "function_call.caller | null | absent",
      "function_call.namespace | null | absent",
    ],
  },
  {
    protocol: "responses",
    of: ["a tool that must be called", "a tool by its name"],
    why: "vLLM's whole answers have a reprint of the arguments; its streams, and ours, have what the model wrote",
    rows: ["function_call.arguments | one value | another"],
  },
  {
    protocol: "responses",
    of: ["a call cut by its bound"],
    why: "vLLM's whole answer has a call that was cut as text, tags and all; its stream has it not, as ours",
    rows: ["output_text.text | one value | another"],
  },
  {
    protocol: "responses",
    of: ["a call cut by its bound"],
    why: "an answer of nothing is an empty message with us, so that every SDK finds an item; vLLM's stream has none",
    rows: [
      "event response.output_item.added (message) | not sent | sent",
      "event response.content_part.added (output_text) | not sent | sent",
      "event response.output_text.done | not sent | sent",
      "event response.content_part.done (output_text) | not sent | sent",
      "event response.output_item.done (message) | not sent | sent",
    ],
  },
  {
    protocol: "responses",
    why: "OpenAI's items of thoughts have a status once they end, and a list of what was thought from the beginning",
    rows: [
      "reasoning.status | null | `completed`",
      "reasoning.status | null | `incomplete`",
      "reasoning.status | `completed` | `incomplete`",
      "reasoning.content | null | []",
    ],
  },
  {
    protocol: "responses",
    why: "nothing is encrypted here",
    rows: ["reasoning.encrypted_content | null | absent"],
  },
  {
    protocol: "responses",
    why: "vLLM counts what stands between two marks, and a model's first mark may stand in its prompt; we count tokens",
    rows: ["response.usage.output_tokens_details.reasoning_tokens | 0 | a number"],
  },
  {
    protocol: "responses",
    of: ["log-probabilities"],
    why: "the tokens of a delta are told as those of its part: with `bytes`, and all of them once more at its end",
    rows: [
      "response.output_text.delta.logprobs[].bytes | absent | a list",
      "response.output_text.delta.logprobs[].top_logprobs[].bytes | absent | a list",
      "response.output_text.done.logprobs | 0 items | 4 items",
    ],
  },
  {
    protocol: "responses",
    why: types,
    rows: [
      "refusal.error.type | `Bad Request` | `invalid_request_error`",
      "refusal.error.type | `BadRequestError` | `invalid_request_error`",
      "refusal.error.type | `NotFoundError` | `invalid_request_error`",
      "refusal.error.code | a number | a text",
    ],
  },
  {
    protocol: "responses",
    of: ["a picture for a model of text", "a schema that is none"],
    why: "we name the member",
    rows: ["refusal.error.param | null | a text"],
  },
  {
    protocol: "responses",
    of: ["an unknown earlier answer"],
    why: "vLLM looks among its stored answers; this org stores none, and it is said so",
    rows: ["end | 404 application/json | 400 application/json"],
  },
  {
    protocol: "responses",
    of: ["a schema that is none"],
    isLive: true,
    why: "vLLM has begun its stream when its engine finds the fault, and breaks it off; ours has not, and says 400",
    rows: ["end | 200 text/event-stream, then the connection closes | 400 application/json"],
  },
  {
    protocol: "messages",
    why: "Anthropic's ids of messages begin so",
    rows: ["message.id | chatcmpl-… | msg_…"],
  },
  {
    protocol: "messages",
    why: "Anthropic's answers have these members, so clients may count on them",
    rows: [
      "message.stop_sequence | absent | null",
      "message.usage.cache_creation_input_tokens | absent | a number",
      "message.usage.cache_read_input_tokens | absent | a number",
    ],
  },
  {
    protocol: "messages",
    why: "Anthropic's blocks of thoughts begin with an empty signature",
    rows: ["thinking.signature | absent | a text"],
  },
  {
    protocol: "messages",
    of: ["a call cut by its bound"],
    why: "vLLM's whole answer has a call that was cut as text, tags and all; its stream has it not, as ours",
    rows: ["message.content | 1 items | 0 items"],
  },
  {
    protocol: "messages",
    of: ["an answer that has begun"],
    why: "Anthropic's answer goes on with what has begun, and so does ours; vLLM begins another one behind it",
    rows: [
      "text.text | one value | another",
      "text_delta.text | one value | another",
      "message.usage.input_tokens | one value | another",
      "message_delta.usage.input_tokens | one value | another",
    ],
  },
  {
    protocol: "messages",
    of: ["thinking that the model has not"],
    why: "a model that cannot think answers all the same; vLLM refuses the budget, and breaks off a stream for it",
    rows: [
      "end | 400 application/json | 200 application/json",
      "end | 200 text/event-stream, then an error event alone | 200 text/event-stream",
    ],
  },
  {
    protocol: "messages",
    of: ["a tool that is not there"],
    why: "a choice without tools is refused, as in chats; vLLM passes over it",
    rows: ["end | 200 application/json | 400 application/json", "end | 200 text/event-stream | 400 application/json"],
  },
  {
    protocol: "messages",
    of: ["a schema that is none"],
    isLive: true,
    why: "vLLM has begun its stream when its engine finds the fault; ours has not, and says 400",
    rows: ["end | 200 text/event-stream, then an error event alone | 400 application/json"],
  },
  {
    protocol: "messages",
    why: "a body that does not fit gets vLLM's error in OpenAI's form; Anthropic's SDKs expect theirs",
    rows: ["refusal.type | absent | `error`", "refusal.error.code | a number | a text"],
  },
  {
    protocol: "messages",
    why: types,
    rows: [
      "refusal.error.type | `Bad Request` | `invalid_request_error`",
      "refusal.error.type | `BadRequestError` | `invalid_request_error`",
      "refusal.error.type | `NotFoundError` | `not_found_error`",
    ],
  },
  {
    protocol: "messages",
    why: "Anthropic tells the request's id; the member and the code are ours, and stand beside",
    rows: [
      "refusal.request_id | absent | req_…",
      "refusal.error.param | absent | a text",
      "refusal.error.code | absent | a text",
    ],
  },
];

/** Remembers which listed differences were met, and finds those that are not listed. */
export class DifferenceList {
  #met = new Set<string>();

  /** The differences of a question that no row has. */
  findUnlisted(protocol: NativeProtocol, question: string, found: readonly Found[]): string[] {
    return found.map(writeFound).filter((line) => {
      const listed = differences.filter((one) => fits(one, protocol, question) && one.rows.includes(line));
      for (const one of listed) this.#met.add(nameRow(one, line));
      return listed.length === 0;
    });
  }

  /** Rows that nothing was found for; those that only a running stack can show count when `isLive`. */
  listUnmet(isLive: boolean): string[] {
    return differences
      .filter((one) => isLive || !one.isLive)
      .flatMap((one) => one.rows.map((row) => nameRow(one, row)))
      .filter((name) => !this.#met.has(name));
  }
}

function fits(one: Difference, protocol: NativeProtocol, question: string): boolean {
  return one.protocol === protocol && (one.of?.includes(question) ?? true);
}

function nameRow({ protocol, of, rows: _rows }: Difference, row: string): string {
  return `${protocol}${of ? ` (${of.join("; ")})` : ""}: ${row}`;
}
