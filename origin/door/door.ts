import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { callPathNames, takesFile, tokenizerPaths, type CallPath, type TokenizerPath } from "#edge/agreements/paths.ts";
import type { OrderClaims } from "#edge/agreements/tokens/hop.ts";
import { buildErrorBody, buildErrorHeaders, Refusal } from "#edge/errors.ts";
import { formBytesMax, nodeFormBytesInHandMax } from "#edge/limits.ts";
import { openIntake } from "#edge/protocol/intake.ts";
import { answerCall } from "../calls/serve-call.ts";
import type { NodeDrain } from "../calls/drain.ts";
import { buildNodeHeaders } from "../calls/live-call.ts";
import type { Rooms } from "../calls/rooms.ts";
import { readCause, readRequestId } from "../log.ts";
import { readNodeState } from "../report/node-state.ts";
import type { Gate } from "./gate.ts";
import { answerTokenizer } from "./tokenizer.ts";

/** What the door needs: who may come in, what calls use, and the switch for draining. */
export interface DoorRooms extends Rooms {
  gate: Gate;
  drain: NodeDrain;
}

type Route = (rooms: DoorRooms, request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Everything this server answers, by method and exact target; a query string makes it another target, and 404. */
const routes: Readonly<Record<string, Route>> = {
  ...Object.fromEntries(callPathNames.map((path): [string, Route] => [`POST ${path}`, admitTo(path)])),
  ...Object.fromEntries(
    Object.values(tokenizerPaths).map((path): [string, Route] => [`POST ${path}`, admitToTokenizer(path)]),
  ),
  "GET /v1/models": serveNodeModels,
  "POST /drain": serveDrain,
  "POST /undrain": serveUndrain,
  "GET /livez": serveLive,
  "GET /readyz": serveReady,
  "GET /metrics": serveMetrics,
};

/**
 * The agent's server. Everything but health and metrics needs a token from the edge; those two answer this machine
 * only.
 */
export function createAgentServer(rooms: DoorRooms): Server {
  const server = createServer(
    { keepAliveTimeout: 95_000, headersTimeout: 20_000, requestTimeout: 60_000 },
    (request, response) => {
      const startedAtMs = rooms.now();
      // A write to a caller who has just left may fail; 'close' ends the call.
      response.on("error", () => response.destroy());
      const route = routes[`${request.method} ${request.url}`];
      const work = route ? route(rooms, request, response) : Promise.reject(new Refusal("unknown_url"));
      work.catch((error: unknown) => writeRefusal(rooms, { request, response, startedAtMs }, error));
    },
  );
  return server;
}

function admitTo(path: CallPath): Route {
  if (takesFile(path)) return admitForm(path);
  return async (rooms, request, response) => {
    const { claims, body } = await rooms.gate.admitCall(request);
    await answerCall(rooms, { path, claims, body }, response);
  };
}

/** Forms are large, so a node counts what it has of them until their calls have ended. */
const nodeForms = openIntake({ all: nodeFormBytesInHandMax, org: nodeFormBytesInHandMax });

function admitForm(path: CallPath): Route {
  return async (rooms, request, response) => {
    const share = nodeForms.enter({ org: "", key: "" });
    try {
      const { claims, body } = await rooms.gate.admitCall(request, { bytesMax: formBytesMax, grow: share.grow });
      const contentType = request.headers["content-type"] ?? null;
      await answerCall(rooms, { path, claims, body, contentType }, response);
    } finally {
      share.leave();
    }
  };
}

function admitToTokenizer(path: TokenizerPath): Route {
  return async (rooms, request, response) => {
    const admitted = await rooms.gate.admitCall(request);
    writeJson(rooms, response, 200, await answerTokenizer(rooms, path, admitted));
  };
}

/** A request, where its answer goes, and when it came, in Unix ms. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  startedAtMs: number;
}

function writeRefusal(rooms: Rooms, exchange: Exchange, error: unknown): void {
  const { request, response } = exchange;
  const refusal =
    error instanceof Refusal ? error : new Refusal("internal", { log: `unforeseen ${readCause(error)}`, cause: error });
  const { event = response.destroyed ? "caller_left" : null, log = null } = refusal.details;
  rooms.metrics.noteRequest(event === "caller_left" ? "left" : (event ?? refusal.code));
  if (refusal.status === 401) rooms.metrics.noteAuthFailure();
  if (event !== "caller_left") rooms.log(event ?? "refused", { code: refusal.code, why: log });
  else if (!refusal.details.event) logLeft(rooms, exchange);
  if (response.headersSent || response.destroyed) return void response.destroy();
  const body = JSON.stringify(buildErrorBody(refusal));
  response.writeHead(refusal.status, {
    ...buildErrorHeaders(refusal),
    ...buildNodeHeaders(rooms),
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
  request.resume();
}

/** Of a call that was let in, whoever watches its deadline logs this. */
function logLeft(rooms: Rooms, { request: { complete, headers }, startedAtMs }: Exchange): void {
  rooms.log("caller_left", {
    request: readRequestId(headers["x-request-id"]),
    phase: complete ? "headers" : "body",
    ms: rooms.now() - startedAtMs,
  });
}

function writeJson(rooms: Rooms, response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...buildNodeHeaders(rooms),
  });
  response.end(JSON.stringify(body));
}

async function serveNodeModels(rooms: DoorRooms, request: IncomingMessage, response: ServerResponse): Promise<void> {
  await admitOrder(rooms, request, "models");
  writeJson(rooms, response, 200, {
    object: "list",
    data: rooms.pool.models.map((id) => ({ id, object: "model", created: 0, owned_by: rooms.config.node })),
  });
}

/** Takes no new calls from now on; those in flight go on, and so does the process. */
async function serveDrain(rooms: DoorRooms, request: IncomingMessage, response: ServerResponse): Promise<void> {
  await admitOrder(rooms, request, "drain");
  rooms.drain.begin();
  writeJson(rooms, response, 202, { state: "draining", inflight: rooms.live.size });
}

async function serveUndrain(rooms: DoorRooms, request: IncomingMessage, response: ServerResponse): Promise<void> {
  await admitOrder(rooms, request, "undrain");
  rooms.drain.cancel();
  writeJson(rooms, response, 200, { state: readNodeState(rooms), inflight: rooms.live.size });
}

async function admitOrder(rooms: DoorRooms, request: IncomingMessage, order: OrderClaims["order"]): Promise<void> {
  const { claims } = await rooms.gate.admitOrder(request);
  if (claims.order !== order)
    throw new Refusal("invalid_api_key", { message: "The token is for another order.", log: "order" });
}

async function serveLive(rooms: DoorRooms, request: IncomingMessage, response: ServerResponse): Promise<void> {
  refuseRemote(request);
  writeJson(rooms, response, 200, { node: rooms.config.node });
}

async function serveReady(rooms: DoorRooms, request: IncomingMessage, response: ServerResponse): Promise<void> {
  refuseRemote(request);
  const state = readNodeState(rooms);
  writeJson(rooms, response, state === "ready" ? 200 : 503, { state });
}

async function serveMetrics(rooms: DoorRooms, request: IncomingMessage, response: ServerResponse): Promise<void> {
  refuseRemote(request);
  const { load, all, inflight, sequences } = rooms.pool;
  const gauges = {
    inflight,
    sequences,
    heldTokens: load.heldTokens,
    usageBacklogBytes: rooms.sender.backlogBytes,
    isReady: readNodeState(rooms) === "ready",
  };
  const pages = all.map(({ monitor }) => monitor.metricsText).filter((page) => page !== "");
  response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  response.end(rooms.metrics.write(gauges, pages));
}

/**
 * cloudflared connects from loopback too, but on behalf of others, which its headers show: they get the same 404 as for
 * any unknown path.
 */
function refuseRemote(request: IncomingMessage): void {
  const address = request.socket.remoteAddress ?? "";
  const isLocal = address === "::1" || /^(?:::ffff:)?127\./.test(address);
  const isForwarded = Object.keys(request.headers).some(
    (name) => name.startsWith("cf-") || name.startsWith("x-forwarded-") || name === "forwarded",
  );
  if (!isLocal || isForwarded) throw new Refusal("unknown_url");
}
