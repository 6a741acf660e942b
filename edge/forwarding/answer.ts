import { Refusal } from "../errors.ts";
import { earlyAnswerMs, waitCommentMs } from "../limits.ts";
import { refuseTimeout } from "../protocol/openai/timeout.ts";
import { nameSpeechType } from "../protocol/media/formats.ts";
import type { MediaCall } from "../protocol/openai/parsed-body.ts";
import type { StreamForm, Wire } from "../protocol/wires/wire.ts";
import type { Visit } from "../visit.ts";
import type { Answer } from "./outcome.ts";

/** How the wait for an origin ended. */
type StartResult = { answer: Answer } | { refusal: Refusal };

/** How an answer is written: in which protocol, and with which headers once it is known who answers. */
interface Writing {
  wire: Wire;
  /** Of an answer with sound or pictures, or a transcript. */
  media?: MediaCall | undefined;
  buildHeaders: (answer: Answer | null) => Record<string, string>;
}

/** Where a stream goes. */
interface Out {
  writable: WritableStream<Uint8Array>;
  form: StreamForm;
}

/** Answers up to this size are read before they are sent, so that an origin which dies midway becomes a clean 502. */
const wholeBytesMax = 256 * 1024;

/**
 * Streams an answer natively, with no JavaScript per token. A stream ends in one of three ways: the origin completes
 * it; the caller leaves and the origin is aborted; or the origin fails, and the caller gets one error event and no
 * `[DONE]`. When the origin has not answered within a second, the caller gets a 200 and comments to keep the connection
 * alive; a later failure is an error event too.
 */
export async function answerStream(
  visit: Visit,
  start: (signal: AbortSignal) => Promise<Answer>,
  { wire, buildHeaders }: Omit<Writing, "media">,
): Promise<Response> {
  const abort = new AbortController();
  visit.leaving.addEventListener("abort", () => abort.abort());
  const started = start(abort.signal);
  const timer = new RaceTimer();
  const answer = await Promise.race([started, timer.elapsed]);
  timer.cancel();
  const { readable, writable } = new IdentityTransformStream();
  visit.phase = answer ? "answer" : "headers";
  const out = { writable, form: wire.stream };
  visit.afterwards(answer ? pipe(visit, answer, out) : waitThenPipe(visit, started, out, abort));
  const headers = wire.addHeaders(buildHeaders(answer), visit.now());
  return new Response(readable, { headers: { ...headers, ...wire.stream.headers } });
}

/**
 * Sends an answer that is not a stream of events. Small ones are read first; large ones flow under their declared
 * length, and media of no known length as they come, so that a truncated answer shows as truncated.
 */
export async function answerWhole(visit: Visit, answer: Answer, writing: Writing): Promise<Response> {
  const { response } = answer;
  const { wire, media, buildHeaders } = writing;
  visit.phase = "answer";
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const type = media ? nameMediaType(media, response) : "application/json";
  const headers = { "content-type": type, ...wire.addHeaders(buildHeaders(answer), visit.now()) };
  if (media && Number.isNaN(length)) return new Response(flow(visit, answer), { headers });
  if (length > wholeBytesMax && response.body) {
    const { readable, writable } = new FixedLengthStream(length);
    void response.body
      .pipeTo(writable)
      .catch(() => answer.onBroken?.())
      .finally(answer.dispose);
    return new Response(readable, { headers });
  }
  try {
    return new Response(await response.arrayBuffer(), { headers });
  } catch (cause) {
    answer.onBroken?.();
    if (answer.isLate()) throw refuseTimeout(answer.timeout, { log: "origin stood still in a whole answer", cause });
    throw new Refusal("bad_gateway", { log: "origin died in a whole answer", cause });
  } finally {
    answer.dispose();
  }
}

/** The type by our own name for it: of sound what the node says, where that is one that we know. */
function nameMediaType({ answerType }: MediaCall, { headers }: Response): string {
  if (!answerType.startsWith("audio/")) return answerType;
  return nameSpeechType(headers.get("content-type")) ?? "application/octet-stream";
}

/** Sound has no place for an error: when its node fails, the caller's connection breaks, and nothing looks whole. */
function flow(visit: Visit, answer: Answer): ReadableStream<Uint8Array> {
  const { readable, writable } = new IdentityTransformStream();
  const piped = answer.response.body?.pipeTo(writable) ?? writable.close();
  const noteEnd = (cause: unknown) => {
    answer.onBroken?.();
    const late = answer.isLate() ? refuseTimeout(answer.timeout) : null;
    visit.logRefusal(late ?? new Refusal("stream_broken", { cause }));
  };
  visit.afterwards(piped.catch(noteEnd).finally(answer.dispose));
  return readable;
}

async function pipe(visit: Visit, answer: Answer, out: Out): Promise<void> {
  const { writable } = out;
  try {
    if (!answer.response.body) throw new TypeError("an answer without a body");
    await answer.response.body.pipeTo(writable, { preventClose: true, preventAbort: true });
    await writable.close();
  } catch {
    answer.onBroken?.();
    const late = answer.isLate() ? refuseTimeout(answer.timeout) : null;
    await breakOff(visit, out, late ?? new Refusal("stream_broken"));
  } finally {
    answer.dispose();
  }
}

/** Writes the error event. If it was the caller who left, writing fails too, and that is what the log says. */
async function breakOff(visit: Visit, { writable, form }: Out, refusal: Refusal): Promise<void> {
  const writer = writable.getWriter();
  try {
    await writer.write(form.encodeError(refusal));
    await writer.close();
    visit.logRefusal(refusal);
  } catch {
    visit.leave();
  }
}

async function waitThenPipe(visit: Visit, started: Promise<Answer>, out: Out, abort: AbortController): Promise<void> {
  const writer = out.writable.getWriter();
  const settled = started.then<StartResult, StartResult>(
    (answer) => ({ answer }),
    (cause: unknown) => ({ refusal: cause instanceof Refusal ? cause : new Refusal("internal", { cause }) }),
  );
  const result = await sendSigns(settled, { writer, sign: out.form.waitSign }, abort);
  writer.releaseLock();
  if (!result) return visit.leave();
  if ("refusal" in result) return breakOff(visit, out, result.refusal);
  visit.phase = "answer";
  await pipe(visit, result.answer, out);
}

/**
 * Sends signs of life until the origin has answered. When one finds the caller gone, aborts the attempt and returns
 * null. A protocol that has no such sign is silent, and the platform tells of callers who leave.
 */
async function sendSigns(
  settled: Promise<StartResult>,
  { writer, sign }: { writer: WritableStreamDefaultWriter<Uint8Array>; sign: Uint8Array | null },
  abort: AbortController,
): Promise<StartResult | null> {
  if (sign === null) return settled;
  for (;;) {
    const isGone = await writer.write(sign).then(
      () => false,
      () => true,
    );
    if (isGone) {
      abort.abort();
      // An answer that arrived at the same moment must not keep running for nobody.
      await settled.then(cancelLate);
      return null;
    }
    const timer = new RaceTimer(waitCommentMs);
    const result = await Promise.race([settled, timer.elapsed]);
    timer.cancel();
    if (result) return result;
  }
}

async function cancelLate(late: StartResult): Promise<void> {
  if ("refusal" in late) return;
  await late.answer.response.body?.cancel().catch(() => undefined);
  late.answer.dispose();
}

/** A timer that can lose a race without running on. */
class RaceTimer {
  readonly elapsed: Promise<null>;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number = earlyAnswerMs) {
    const { promise, resolve } = Promise.withResolvers<null>();
    this.elapsed = promise;
    this.#timer = setTimeout(() => resolve(null), ms);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
