import type { IncomingMessage, ServerResponse } from "node:http";
import { habitHeader, writeHabit } from "#edge/agreements/records/traffic-profile.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import type { Endpoint } from "#edge/agreements/records/model.ts";
import { loadHeader, writeLoad } from "#edge/agreements/records/node.ts";
import type { Outcome } from "#edge/agreements/records/usage.ts";
import { Refusal } from "#edge/errors.ts";
import { errorEvent, streamHeaders } from "#edge/protocol/sse.ts";
import { Chunks } from "./stream/chunk-rewriter.ts";
import type { AgentConfig } from "../config.ts";
import { readText, type Engine } from "../engines/http/client.ts";
import { earlyError } from "../engines/early-error.ts";
import type { EngineAnswer } from "../engines/http/connection.ts";
import { countPrompt, countText, guessText } from "../engines/tokenize.ts";
import { isContextError, translateError, type CallPath } from "../engines/translate.ts";
import { openEventWriter } from "./stream/event-writer.ts";
import type { Gate } from "../door/gate.ts";
import type { Habits } from "../usage/traffic-profiles.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Posts } from "../engines/pool.ts";
import { prepareCall, setCompletionMax, type PreparedCall } from "./prepare.ts";
import { recordOf, settlePrompt, type Account } from "./record.ts";
import { endingOf, passStream, type Ending } from "./stream/stream-answer.ts";
import { Tally } from "./usage-meter.ts";
import type { UsageSender } from "../usage/usage-sender.ts";
import { keepWaiting, readWhole, textsOf, writeWhole } from "./whole-answer.ts";

/** All that a call meets on its way. */
export interface Rooms {
  config: AgentConfig;
  gate: Gate;
  posts: Posts;
  sender: UsageSender;
  habits: Habits;
  metrics: Metrics;
  log: Log;
  now(): number;
  isDraining(): boolean;
  /** One controller for each call in flight: the stopping agent aborts them with an Ending. */
  live: Set<AbortController>;
}

/** A call between its admission and its end. */
interface LiveCall extends Account {
  rooms: Rooms;
  engine: Engine;
  prepared: PreparedCall;
  response: ServerResponse;
  leaving: AbortController;
}

const endpoints: Readonly<Record<CallPath, readonly Endpoint[]>> = {
  "/v1/chat/completions": ["chat.completions", "text2sql"],
  "/v1/completions": ["completions"],
  "/v1/embeddings": ["embeddings"],
};
const errorBytesMax = 256 * 1024;
/**
 * vLLM refuses what its engine finds at fault (grammars, token ids, logprobs) at once, but as the first event of a
 * stream that began with 200.
 */
const firstEventMsMax = 250;
const wholeBytesMax = 64 * 1024 * 1024;
const timerMsMax = 2 ** 31 - 1;
/** A token is signed just before it is sent, and its time is in whole seconds. */
const signedAgoMsMax = 2_000;

/**
 * Carries one call from the gate to its last byte. Throws a Refusal while nothing has been sent; after that it tells
 * the caller itself. A call whose answer began leaves one final record, written before its last byte; one that was
 * refused leaves none.
 */
export async function serveCall(
  rooms: Rooms,
  path: CallPath,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { claims, body } = await rooms.gate.admitCall(request);
  if (!endpoints[path].includes(claims.endpoint))
    throw new Refusal("invalid_api_key", { say: "The hop token is for another endpoint.", log: "endpoint" });
  refuseWhenClosed(rooms);
  const { engine, capacity } = rooms.posts.serving(claims.model);
  const prepared = prepareCall(body, path, claims, engine, rooms.config.cacheSaltKey);
  const place = capacity.take(claims.tokensHeld);
  const leaving = new AbortController();
  const stopWatching = watchLeaving(leaving, response, patienceOf(claims, rooms.now()));
  rooms.live.add(leaving);
  const tally = new Tally(prepared.bounds);
  const call: LiveCall = {
    rooms,
    claims,
    engine,
    prepared,
    response,
    leaving,
    tally,
    responseId: null,
    startedAtMs: rooms.now(),
    firstTokenAtMs: null,
  };
  try {
    await (prepared.isStream ? serveStream(call) : serveWhole(call));
  } catch (error) {
    throw leaving.signal.aborted ? await lastWord(call) : error;
  } finally {
    rooms.live.delete(leaving);
    stopWatching();
    place.giveBack();
  }
}

/** On the answer to a call, beside our headers: what its org's calls to its model have been like here. */
function habitHeaders({ rooms, claims }: Pick<LiveCall, "rooms" | "claims">): Record<string, string> {
  const habit = rooms.habits.read(claims.org, claims.model);
  return habit ? { [habitHeader]: writeHabit(habit) } : {};
}

/** Headers of every answer of ours. */
export function ourHeaders(rooms: Pick<Rooms, "posts">): Record<string, string> {
  return { [loadHeader]: writeLoad(rooms.posts.load) };
}

function refuseWhenClosed(rooms: Rooms): void {
  if (rooms.isDraining()) {
    throw new Refusal("no_healthy_backends", {
      retryAfterMs: 1_000,
      headers: { "x-penstock-node-state": "draining" },
      log: "draining",
    });
  }
  if (!rooms.sender.isDurable)
    throw new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: "usage_log_failed" });
}

/**
 * How long the call may take, in ms. The edge's clock may differ from ours by 30 s; its token says what time it was
 * there a moment ago.
 */
function patienceOf({ deadlineMs, iat }: Pick<HopClaims, "deadlineMs" | "iat">, nowMs: number): number {
  const longestMs = deadlineMs - iat * 1_000;
  return Math.min(longestMs, Math.max(longestMs - signedAgoMsMax, deadlineMs - nowMs));
}

function watchLeaving(leaving: AbortController, response: ServerResponse, patienceMs: number): () => void {
  const leave = () =>
    !response.writableFinished && leaving.abort({ outcome: "cancelled", refusal: null } satisfies Ending);
  const giveUp = () =>
    leaving.abort({
      outcome: "cancelled",
      refusal: new Refusal("gateway_timeout", { log: "deadline" }),
    } satisfies Ending);
  if (patienceMs <= 0) giveUp();
  const deadline = setTimeout(giveUp, Math.min(Math.max(patienceMs, 0), timerMsMax));
  response.once("close", leave);
  return () => {
    clearTimeout(deadline);
    response.off("close", leave);
  };
}

async function serveStream(call: LiveCall): Promise<void> {
  const { rooms, claims, prepared, response, leaving, tally, engine } = call;
  const { limits } = rooms.config;
  const giveUp = () =>
    leaving.abort({
      outcome: "failed",
      refusal: new Refusal("gateway_timeout", { log: "engine_silent" }),
    } satisfies Ending);
  const patience = setTimeout(giveUp, limits.streamIdleMsMax);
  const engineAnswer = await askEngine(call).finally(() => clearTimeout(patience));
  if (leaving.signal.aborted) {
    engineAnswer.destroy();
    throw new Refusal("bad_gateway", { log: "left" });
  }
  response.writeHead(200, {
    ...streamHeaders,
    "transfer-encoding": "chunked",
    ...ourHeaders(rooms),
    ...habitHeaders(call),
  });
  response.flushHeaders();
  const writer = openEventWriter(response);
  const { wantsUsage, wantsContinuousUsage, choices, path } = prepared;
  const { hasContinuousUsage, isUsageOfOneChoice } = engine.dialect;
  const chunks = new Chunks(tally, {
    model: claims.model,
    choices,
    wantsUsage,
    wantsContinuousUsage,
    hasContinuousUsage,
    isUsageOfOneChoice,
  });
  const ending = await passStream({
    engineAnswer,
    writer,
    chunks,
    tally,
    limits,
    signal: leaving.signal,
    onFirstToken: () => (call.firstTokenAtMs = rooms.now()),
    onCheckpoint: () =>
      rooms.sender.checkpoint(recordOf({ ...call, responseId: chunks.responseId }, "failed", false, rooms.now())),
    onPing: rooms.metrics.notePing,
  });
  call.responseId = chunks.responseId;
  await settlePrompt(tally, engine, prepared);
  keepFinal(call, ending.outcome, ending.refusal);
  if (ending.outcome !== "completed")
    return writer.end(ending.refusal ? Buffer.from(errorEvent(ending.refusal)).toString("latin1") : "");
  const owed = wantsUsage && !chunks.hasSentUsage;
  const object = path === "/v1/completions" ? "text_completion" : "chat.completion.chunk";
  writer.end(`${owed ? `data: ${chunks.owedUsage(rooms.now(), object)}\n\n` : ""}data: [DONE]\n\n`);
}

/**
 * Whole answers are asked for whole: what a caller who left never saw was made, but not told to us, so she is charged
 * the prompt and nothing for the completion (a checkpoint, since a retry elsewhere may still settle the hold).
 */
async function serveWhole(call: LiveCall): Promise<void> {
  const { rooms, claims, prepared, response, tally } = call;
  const headers = () => ({
    "content-type": "application/json",
    "cache-control": "no-store",
    ...ourHeaders(rooms),
    ...habitHeaders(call),
  });
  const stopWaiting = keepWaiting(response, rooms.config.limits, headers, rooms.metrics.notePing);
  try {
    const answer = readWhole(
      await readText(await askEngine(call), wholeBytesMax),
      prepared.path,
      tally,
      call.engine.dialect.isUsageOfOneChoice,
    );
    if (typeof answer["id"] === "string") call.responseId = answer["id"].slice(0, 128);
    await settlePrompt(tally, call.engine, prepared);
    if (tally.isCompletionUnknown) await countCompletion(call, textsOf(answer));
    if (call.leaving.signal.aborted) throw new Refusal("bad_gateway", { log: "left" });
    if (!response.headersSent) response.writeHead(200, headers());
    keepFinal(call, "completed", null);
    response.end(writeWhole(answer, prepared.path, claims.model, tally));
  } catch (error) {
    if (!response.headersSent) throw error;
    await settlePrompt(tally, call.engine, prepared);
    const { aborted, reason } = call.leaving.signal;
    keepFinal(call, aborted ? endingOf(reason).outcome : "failed", error instanceof Refusal ? error : null);
    response.destroy();
  } finally {
    stopWaiting();
  }
}

async function countCompletion(call: LiveCall, texts: string[]): Promise<void> {
  const { model } = call.prepared.body;
  const name = typeof model === "string" ? model : call.claims.model;
  const counts = await Promise.all(
    texts.map(async (text) => (await countText(call.engine, name, text)) ?? guessText(text)),
  );
  call.tally.noteCompletion(counts.reduce((sum, count) => sum + count, 0));
}

/**
 * The engine's answer with status 200. When our default `max_tokens` was what did not fit, once more with what does.
 */
async function askEngine(call: LiveCall, isRetry = false): Promise<EngineAnswer> {
  const { engine, prepared, claims, leaving } = call;
  const { path, body } = prepared;
  const answer = await engine.ask({
    method: "POST",
    path,
    body: JSON.stringify(body),
    requestId: claims.hold,
    signal: leaving.signal,
    isStream: prepared.isStream,
  });
  const early = answer.status === 200 && prepared.isStream ? await earlyError(answer, firstEventMsMax) : null;
  if (answer.status === 200 && early === null) return answer;
  if (early) answer.destroy();
  const status = early?.status ?? answer.status;
  const text = early?.text ?? (await readText(answer, errorBytesMax));
  const isFitting = !isRetry && claims.isDefaultMax && isContextError(status, text) && (await shrinkToContext(call));
  if (isFitting) return askEngine(call, true);
  throw translateError(status, text, path, answer.fields.get("retry-after"));
}

async function shrinkToContext({ engine, prepared, claims }: LiveCall): Promise<boolean> {
  const count = await countPrompt(engine, prepared.body);
  if (!count || count.contextTokensMax === null) return false;
  const rest = Math.min(count.contextTokensMax - count.tokens, claims.completionTokensMax);
  if (rest < 1) return false;
  setCompletionMax(prepared.body, prepared.path, engine, rest);
  return true;
}

/**
 * Why a call that was left, or whose time was up, got no answer. It may be tried on another node: what was used here is
 * noted, not settled.
 */
async function lastWord(call: LiveCall): Promise<Refusal> {
  const { outcome, refusal } = endingOf(call.leaving.signal.reason);
  if (outcome === "cancelled") {
    await settlePrompt(call.tally, call.engine, call.prepared);
    call.rooms.sender.keep(recordOf(call, outcome, false, call.rooms.now()));
  }
  return refusal ?? new Refusal("bad_gateway", { log: "left" });
}

function keepFinal(call: LiveCall, outcome: Outcome, why: Refusal | null): void {
  const { rooms, claims, prepared } = call;
  const record = recordOf(call, outcome, true, rooms.now());
  rooms.sender.keep(record);
  const { completionTokensMax, promptTokensGuess } = claims;
  rooms.habits.note({ ...record, choices: prepared.choices, completionTokensMax, promptTokensGuess });
  rooms.metrics.noteRequest(outcome);
  rooms.metrics.noteTokens(record.promptTokens, record.completionTokens);
  const { hold, promptTokens, completionTokens } = record;
  rooms.log("call_ended", { hold, outcome, promptTokens, completionTokens, why: why?.details.log ?? null });
}
