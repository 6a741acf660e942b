import { isObject, parseObject, type JsonObject } from "../agreements/json.ts";
import { isResponseId, nameHeldResponse, type HoldId, type OrgId, type ResponseId } from "../agreements/tokens/ids.ts";
import { describeCause } from "../errors.ts";
import { storedBytesMax } from "../agreements/stored-limits.ts";
import { writeEvent } from "../protocol/openai/responses/wire.ts";
import type { KeptCall } from "../protocol/wires/wire.ts";
import type { Visit } from "../visit.ts";
import { FinalEventFinder } from "./final-event.ts";
import { sealResponse, type OpenedResponse } from "./sealed-response.ts";
import type { ResponseStorage } from "./storage.ts";

/** A call whose answer is to be stored: whose it is, its hold, and what is stored of it. */
export interface CallToKeep {
  org: OrgId;
  hold: HoldId;
  isStream: boolean;
  kept: KeptCall;
}

/**
 * The same answer, stored on its way: all of it flows on as it comes, but its end, the last event or the whole of an
 * answer that is no stream, which is held until the response is stored. Where it is not, because the store fails, the
 * caller has left or the answer failed, that end says `store: false`. An answer that breaks is not stored.
 */
export function keepAnswer(
  visit: Visit,
  storage: ResponseStorage | null,
  call: CallToKeep,
  response: Response,
): Response {
  const { body, status } = response;
  if (!storage || !body) return response;
  const recorder = new AnswerRecorder(visit, storage, call);
  const passing = call.isStream ? keepEvents(recorder) : keepWhole(recorder);
  // Its length may change by a byte with `store`.
  const contentType = response.headers.get("content-type") ?? "application/json";
  return new Response(body.pipeThrough(new TransformStream(passing)), {
    status,
    headers: { "content-type": contentType },
  });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function keepEvents(recorder: AnswerRecorder): Transformer<Uint8Array, Uint8Array> {
  const finder = new FinalEventFinder();
  let isOver = false;
  return {
    async transform(chunk, controller) {
      if (isOver) return controller.enqueue(chunk);
      const { passed, final, rest } = finder.push(chunk);
      for (const bytes of passed) controller.enqueue(bytes);
      if (final === null) return;
      isOver = true;
      controller.enqueue(await recorder.keepEvent(final));
      if (rest && rest.length > 0) controller.enqueue(rest);
    },
    flush(controller) {
      if (!isOver && finder.end().length > 0) controller.enqueue(finder.end());
    },
  };
}

function keepWhole(recorder: AnswerRecorder): Transformer<Uint8Array, Uint8Array> {
  const chunks: Uint8Array[] = [];
  return {
    transform: (chunk) => void chunks.push(chunk),
    async flush(controller) {
      controller.enqueue(await recorder.keepWhole(joinAll(chunks)));
    },
  };
}

/** Stores one answer, and writes its end as it then is. */
class AnswerRecorder {
  #visit: Visit;
  #storage: ResponseStorage;
  #call: CallToKeep;

  constructor(visit: Visit, storage: ResponseStorage, call: CallToKeep) {
    this.#visit = visit;
    this.#storage = storage;
    this.#call = call;
  }

  async keepEvent(bytes: Uint8Array): Promise<Uint8Array> {
    const [, line = ""] = decoder.decode(bytes).split("\n");
    const event = parseObject(line.replace(/^data: /, ""));
    const response = event?.["response"];
    if (!event || !isObject(response)) return bytes;
    if (await this.#tryStore(response, bytes.length)) return bytes;
    return encoder.encode(
      writeEvent({ ...event, type: String(event["type"]), response: { ...response, store: false } }),
    );
  }

  async keepWhole(bytes: Uint8Array): Promise<Uint8Array> {
    const response = parseObject(decoder.decode(bytes));
    if (!response || (await this.#tryStore(response, bytes.length))) return bytes;
    return encoder.encode(JSON.stringify({ ...response, store: false }));
  }

  async #tryStore(response: JsonObject, bytes: number): Promise<boolean> {
    const why = await this.#store(response, bytes).catch((cause: unknown) => describeCause(cause));
    if (why !== null) this.#visit.log("response_not_stored", { hold: this.#call.hold, why });
    return why === null;
  }

  /** Null once it is stored, else why it is not. */
  async #store(response: JsonObject, bytes: number): Promise<string | null> {
    const visit = this.#visit;
    const { org, hold, kept } = this.#call;
    const { status } = response;
    const id = nameHeldResponse(hold);
    if (status !== "completed" && status !== "incomplete") return "the answer failed";
    if (bytes > storedBytesMax) return "the answer is too long";
    if (response["id"] !== id) return "the node has another name for it";
    if (visit.leaving.aborted) return "the caller has left";
    const nowMs = visit.now();
    const storage = this.#storage.recall(org, nowMs, visit.afterwards) ?? (await this.#storage.open(org, nowMs));
    if (!storage) return "storage was switched off";
    const opened = takeApart(response, id, kept);
    const sealed = await sealResponse({ org, id, storage }, opened, (count) => visit.random(count));
    const previous = kept.previous !== null && isResponseId(kept.previous) ? kept.previous : null;
    const isStored = await this.#storage.store.put({
      org,
      id,
      key: storage.keyId,
      previous,
      createdAtMs: nowMs,
      sealed,
    });
    return isStored ? null : "storage was switched off";
  }
}

/** The items, each under an id, and all else. */
function takeApart(response: JsonObject, id: ResponseId, { input }: KeptCall): OpenedResponse {
  const { output, ...rest } = response;
  const reference = id.slice(id.indexOf("_") + 1);
  const named = input.map((item, index) => nameItem(item, `${reference}_in${index}`));
  const made: unknown[] = Array.isArray(output) ? output : [];
  return { items: { input: named, output: made.filter(isObject) }, rest };
}

/** The beginnings of items' ids, as OpenAI has them. */
const prefixes: Readonly<Record<string, string>> = {
  function_call: "fc",
  function_call_output: "fco",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  reasoning: "rs",
};

/** An item under its own id, or a new one; and with its type, which messages may leave out. */
function nameItem(item: JsonObject, reference: string): JsonObject {
  const { id, type } = item;
  const known = typeof type === "string" ? type : "message";
  const name = typeof id === "string" && id !== "" ? id : `${prefixes[known] ?? "msg"}_${reference}`;
  return { ...item, type: known, id: name };
}

function joinAll(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
