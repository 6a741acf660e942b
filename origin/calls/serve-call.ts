import type { ServerResponse } from "node:http";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { callPaths, isMedia, type CallPath } from "#edge/agreements/paths.ts";
import type { SlowListener } from "../engines/first-tokens.ts";
import { countSequences, countTokens, refuseOversized, type CallSize } from "#edge/protocol/sequences.ts";
import type { Capacity, EngineSlot } from "../engines/capacity/capacity.ts";
import { refuseAborted, refuseLate, type LiveCall } from "./live-call.ts";
import { prepareMedia, serveMedia } from "./media/index.ts";
import { prepareCall } from "./prepare.ts";
import type { Rooms } from "./rooms.ts";
import { serveStream } from "./stream/serve-stream.ts";
import type { Ending } from "./stream/stream-answer.ts";
import { UsageMeter } from "./usage-meter.ts";
import { serveWhole } from "./whole/serve-whole.ts";

/** A call that the door has let in: where it goes, what its hop token says, and its body. */
export interface AdmittedCall {
  path: CallPath;
  claims: HopClaims;
  body: Buffer;
  /** The media type of the body, where it is no JSON. */
  contentType?: string | null;
}

const timerMsMax = 2 ** 31 - 1;
/** The edge signs a token just before it sends it. */
const signedAgoMsMax = 1_000;

/**
 * Answers one admitted call, from its engine to the last byte. Throws a Refusal while nothing has been sent; after that
 * it reports failures to the caller itself. A call whose answer began leaves one final record, written before its last
 * byte; a refused call leaves none.
 */
export async function answerCall(
  rooms: Rooms,
  { path, claims, body, contentType = null }: AdmittedCall,
  response: ServerResponse,
): Promise<void> {
  if (!callPaths[path].endpoints.some((endpoint) => endpoint === claims.endpoint))
    throw new Refusal("invalid_api_key", { message: "The hop token is for another endpoint.", log: "endpoint" });
  refuseWhenClosed(rooms);
  const { engine, capacity, scored, firstTokens } = rooms.pool.findServing(claims.model);
  const prepared = isMedia(path)
    ? await prepareMedia({ body, path, claims, engine, contentType })
    : prepareCall({ body, path, claims, engine, cacheSaltKey: rooms.config.cacheSaltKey });
  const slot = takeSlot(capacity, claims.org, prepared.size);
  const controller = new AbortController();
  const stopDeadline = watchDeadline(rooms, { controller, claims, response });
  rooms.live.add(controller);
  const meter = new UsageMeter(prepared.bounds);
  const call: LiveCall = {
    rooms,
    claims,
    engine,
    prepared,
    response,
    isSent: false,
    controller,
    meter,
    responseId: null,
    startedAtMs: rooms.now(),
    firstTokenAtMs: null,
    firstToken: firstTokens.watch(prepared.isStructured ? tellSlow(rooms, claims) : null),
  };
  try {
    await scored.run(prepared.isLongScore, () => serve(call));
  } catch (error) {
    throw controller.signal.aborted ? await refuseAborted(call) : error;
  } finally {
    rooms.live.delete(controller);
    stopDeadline();
    call.firstToken.stop();
    slot.release();
  }
}

function serve(call: LiveCall): Promise<void> {
  if (call.prepared.media) return serveMedia(call);
  return call.prepared.isStream ? serveStream(call) : serveWhole(call);
}

/** Tells the operator whose form keeps an engine busy, before it answers and after; never what stands in it. */
function tellSlow({ log, metrics }: Rooms, { org, model, hold }: HopClaims): SlowListener {
  return {
    onSlow(ms) {
      metrics.noteSlowStructured();
      log("slow_structured_call", { org, model, hold, ms, state: "waiting" });
    },
    onSlowEnd: (ms, hasToken) =>
      log("slow_structured_call", { org, model, hold, ms, state: hasToken ? "began" : "ended without a token" }),
    onToken: metrics.noteStructuredFirstToken,
  };
}

/** A call that would not fit an idle engine is its caller's to change; any other waits for others to end. */
function takeSlot(capacity: Capacity, org: HopClaims["org"], size: CallSize): EngineSlot {
  refuseOversized(size, capacity.callMax);
  return capacity.take({ org, sequences: countSequences(size), tokens: countTokens(size) });
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
 * How long the call may still take, in ms. The edge's clock may differ from ours by 30 s; its token carries the edge's
 * time of a moment ago.
 */
function computeTimeLeft({ deadlineMs, issuedAtMs }: Pick<HopClaims, "deadlineMs" | "issuedAtMs">, nowMs: number) {
  const longestMs = deadlineMs - issuedAtMs;
  return Math.min(longestMs, Math.max(longestMs - signedAgoMsMax, deadlineMs - nowMs));
}

/** Ends the call when its caller leaves, which is logged, or when its time is over. Returns how to stop watching. */
function watchDeadline(
  { log, now }: Rooms,
  { controller, claims, response }: Pick<LiveCall, "controller" | "claims" | "response">,
): () => void {
  const startedAtMs = now();
  const msMax = computeTimeLeft(claims, startedAtMs);
  const leave = () => {
    if (response.writableFinished || controller.signal.aborted) return;
    const phase = response.headersSent ? "answer" : "headers";
    log("caller_left", { hold: claims.hold, phase, ms: now() - startedAtMs });
    controller.abort({ outcome: "cancelled", refusal: null } satisfies Ending);
  };
  const expire = () => controller.abort({ outcome: "cancelled", refusal: refuseLate(claims) } satisfies Ending);
  if (msMax <= 0) expire();
  const timer = setTimeout(expire, Math.min(Math.max(msMax, 0), timerMsMax));
  response.once("close", leave);
  // Who left while a form was read is heard of no more.
  if (response.destroyed) leave();
  return () => {
    clearTimeout(timer);
    response.off("close", leave);
  };
}
