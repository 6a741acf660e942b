import type { IncomingMessage } from "node:http";
import { digestBody } from "#edge/agreements/digest.ts";
import {
  verifyHop,
  verifyOrder,
  type HopClaims,
  type OnceClaims,
  type OrderClaims,
} from "#edge/agreements/tokens/hop.ts";
import { findAgeFault, type MacKeys } from "#edge/agreements/tokens/mac-token.ts";
import { Refusal } from "#edge/errors.ts";
import { clockSkewMs, hopBodyBytesMax, macTokenTtlMs } from "#edge/limits.ts";
import type { AgentConfig } from "../config.ts";
import { openReplayCache } from "./replays.ts";

/** A token that has been verified, and the body it was made for. */
export interface Admitted<Claims> {
  claims: Claims;
  body: Buffer;
}

/** Decides who comes in: calls and orders that the edge has signed. */
export interface Gate {
  /**
   * A call of the edge's. Throws 401 for anything but a fresh token under a live key, for this node and this very body;
   * 413 over 9 MiB, or what else is given.
   */
  admitCall(request: IncomingMessage, reading?: BodyReading): Promise<Admitted<HopClaims>>;
  admitOrder(request: IncomingMessage): Promise<Admitted<OrderClaims>>;
}

/** How a body is read: how much of it at most, and who counts what of it has come; a Refusal ends it. */
export interface BodyReading {
  bytesMax: number;
  grow(bytes: number): Refusal | null;
}

const json: BodyReading = { bytesMax: hopBodyBytesMax, grow: () => null };
const replaysMax = 200_000;

/**
 * Opens the only way in: tokens under the keys that this node shares with the edge. Another key, an unknown kid and
 * another form are one and the same.
 */
export function openGate({ node, nodeKeys }: Pick<AgentConfig, "node" | "nodeKeys">, now: () => number): Gate {
  const replays = openReplayCache(macTokenTtlMs + 2 * clockSkewMs, replaysMax, now);

  async function admit<Claims extends OnceClaims>(
    request: IncomingMessage,
    verify: (token: string, keys: MacKeys) => Claims | null,
    reading: BodyReading = json,
  ): Promise<Admitted<Claims>> {
    const claims = verify(readToken(request), nodeKeys.hop);
    if (claims === null) throw unauthorized("token");
    if (claims.node !== node) throw unauthorized("node");
    const fault = findAgeFault(claims.issuedAtMs, now());
    if (fault) throw unauthorized(fault);
    const isFresh = replays.isFresh(claims.jti, claims.issuedAtMs + macTokenTtlMs + clockSkewMs);
    if (isFresh === null) throw new Refusal("server_is_overloaded", { retryAfterMs: 1_000, log: "replay_cache_full" });
    if (!isFresh) throw unauthorized("replayed");
    const body = await readBody(request, reading);
    if (digestBody(body) !== claims.bodySha256) throw unauthorized("body");
    return { claims, body };
  }

  return {
    admitCall: (request, reading) => admit(request, verifyHop, reading),
    admitOrder: (request) => admit(request, verifyOrder),
  };
}

/** One answer for every reason; only our log has the reason. */
function unauthorized(log: string): Refusal {
  return new Refusal("invalid_api_key", { message: "The hop token is missing or not valid.", mayRetry: false, log });
}

function readToken(request: IncomingMessage): string {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) throw unauthorized("no_token");
  return token;
}

function readBody(request: IncomingMessage, { bytesMax, grow }: BodyReading): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      const refusal = size <= bytesMax ? grow(chunk.length) : new Refusal("request_too_large");
      if (!refusal) return void chunks.push(chunk);
      request.pause();
      reject(new Refusal(refusal.code, { ...refusal.details, headers: { connection: "close" } }));
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", (cause) => reject(new Refusal("invalid_json", { log: "body_cut", cause })));
  });
}
