import type { z } from "zod";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { endpointPaths, type CallEndpoint, type TokenizerPath } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal, type NamedModel } from "../../errors.ts";
import { tokenizedBytesMax, tokenizerMsMax } from "../../limits.ts";
import type { Visit } from "../../visit.ts";
import { readJson, type ReadBody, type Sender } from "../body.ts";
import type { Call } from "../openai/call.ts";
import type { IgnoredMembers } from "../openai/members/member.ts";
import { nothingGenerated } from "../openai/parsed-body.ts";
import { readTimeout, readWait } from "../openai/timeout.ts";
import type { Recall } from "../wires/wire.ts";
import { wires } from "../wires/wires.ts";

/** What a node is asked, and how its answer is written for the caller; null for an answer that makes no sense. */
export interface TokenizerQuestion {
  path: TokenizerPath;
  body: JsonObject;
  write(answer: JsonObject): JsonObject | null;
}

/** A question to a model's tokenizer, as a call that generates nothing and holds nothing. */
export interface TokenizerCall {
  call: Call;
  question: TokenizerQuestion;
}

/** What a question is read with: the models, whose it is, and what their key may use, which is asked only if needed. */
export interface QuestionSource {
  models: readonly ModelRecord[];
  sender: Sender;
  /** Finds what storage has for a response's prompt. */
  recall?: Recall;
  readScopes(): Promise<readonly { models: string[] | null }[]>;
}

/** What a question's call is about; `ignored` are the members that no table knows. */
interface Subject {
  endpoint: CallEndpoint;
  model: ModelRecord;
  named: NamedModel;
  ignored: IgnoredMembers;
}

/**
 * Reads a question's body, which is small: it is free, and an engine's streams wait while its tokenizer works. Throws
 * as `readJson` does, 413 for more, and 400 for what is no object.
 */
export async function readQuestionBody(
  visit: Visit,
  sender: Sender,
): Promise<Omit<ReadBody, "json"> & { json: JsonObject }> {
  const { bytes, json, exact } = await readJson(visit.request, sender);
  if (bytes.length > tokenizedBytesMax) {
    const message = `Tokens are counted of bodies of at most ${tokenizedBytesMax} bytes.`;
    throw new Refusal("request_too_large", { message });
  }
  if (!isObject(json)) throw new Refusal("invalid_value", { message: "The body must be an object." });
  return { bytes, json, exact };
}

/** The call that a question is to identity, admission and routing. It waits for its nodes half a minute at most. */
export function makeQuestionCall(visit: Visit, { endpoint, model, named, ignored }: Subject): Call {
  const { headers } = visit.request;
  const own = readTimeout(headers, false);
  const timeout = own.ms < tokenizerMsMax ? own : { ms: tokenizerMsMax, header: null };
  return {
    path: endpointPaths[endpoint].agent,
    endpoint,
    wire: wires[endpoint],
    rename: (param) => param,
    model,
    named,
    body: {},
    isStream: false,
    prompts: 1,
    units: 0,
    promptTokensMax: 0,
    promptTokensGuess: 0,
    ...nothingGenerated,
    // Any node will do: no prefix cache helps a tokenizer.
    affinity: visit.id,
    ignored,
    mayClamp: false,
    timeout,
    deadlineMs: visit.startedAtMs + timeout.ms,
    waitMs: readWait(headers),
    idempotency: null,
  };
}

/** Reads what a node answers, and writes it; null for anything that the schema does not know. */
export function writeBy<Answer>(
  schema: z.ZodType<Answer>,
  write: (answer: Answer) => JsonObject,
): TokenizerQuestion["write"] {
  return (answer) => {
    const read = schema.safeParse(answer);
    return read.success ? write(read.data) : null;
  };
}

/** Refuses what no tokenizer can count: `documents`, which templates print, and media, which are not text. */
export function refuseUncountable({ hasImages, body }: Pick<Call, "hasImages" | "body">): void {
  if (hasImages) {
    const message = "Pictures, sounds and films in 'messages' have tokens that no tokenizer counts; leave them out.";
    throw new Refusal("unsupported_parameter", { param: "messages", message });
  }
  if (body["documents"] === undefined) return;
  const message = "'documents' are not counted; put them into a message.";
  throw new Refusal("unsupported_parameter", { param: "documents", message });
}
