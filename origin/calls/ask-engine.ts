import { readAnswerText } from "../engines/http/client.ts";
import type { EngineAnswer } from "../engines/http/connection.ts";
import { isCountable, refuseContext } from "../engines/context-exceeded.ts";
import { countPromptTokens, type TokenCount } from "../engines/tokenize.ts";
import { translateError } from "../engines/translate.ts";
import type { LiveCall } from "./live-call.ts";
import { setCompletionMax } from "./prepare.ts";
import { detectEarlyError, type EarlyError } from "./stream/early-error.ts";

const errorBytesMax = 256 * 1024;
/**
 * What vLLM's engine itself rejects (grammars, token ids, logprobs) is reported at once, but as the first event of a
 * stream that began with 200.
 */
const firstEventMsMax = 250;

/**
 * Sends the call to its engine and resolves with an answer of status 200, or throws the engine's refusal in our words.
 * When our own default `max_tokens` did not fit, it tries once more with what does.
 */
export async function askEngine(call: LiveCall, isRetry = false): Promise<EngineAnswer> {
  const { engine, prepared, claims, controller } = call;
  const { path, body } = prepared;
  const sent = JSON.stringify(body);
  const answer = await engine.request({
    method: "POST",
    path,
    body: sent,
    requestId: claims.hold,
    signal: controller.signal,
    isStream: prepared.isEngineStream,
    onSent: () => void (call.isSent = true),
  });
  const early = answer.status === 200 && prepared.isEngineStream ? await peekError(answer, controller.signal) : null;
  if (answer.status === 200 && early === null) return answer;
  if (early) answer.destroy();
  const status = early?.status ?? answer.status;
  const text = early?.text ?? (await readAnswerText(answer, errorBytesMax));
  const refusal = translateError(status, text, prepared, answer.fields.get("retry-after"));
  if (refusal.code !== "context_length_exceeded") throw refusal;
  const mayShrink = !isRetry && claims.isDefaultMax;
  const hasNumbers = isCountable(prepared, sent.length);
  const count = mayShrink || hasNumbers ? await countPromptTokens(engine, body) : null;
  if (mayShrink && shrinkToContext(call, count)) return askEngine(call, true);
  const known = refusal.details.message;
  throw refuseContext(prepared, hasNumbers ? count : null, { isDefaultMax: claims.isDefaultMax, known });
}

/** Who leaves meanwhile leaves the engine at once: it need not find out by its first event. */
async function peekError(answer: EngineAnswer, signal: AbortSignal): Promise<EarlyError | null> {
  const leave = () => answer.leave();
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  try {
    return await detectEarlyError(answer, firstEventMsMax);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function shrinkToContext({ engine, prepared, claims }: LiveCall, count: TokenCount | null): boolean {
  if (!count || count.contextTokensMax === null) return false;
  const rest = Math.min(count.contextTokensMax - count.tokens, claims.completionTokensMax);
  if (rest < 1) return false;
  setCompletionMax(prepared.body, prepared.path, engine, rest);
  return true;
}
