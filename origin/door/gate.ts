import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { digestBody } from "#edge/agreements/digest.ts";
import { HopClaims, OrderClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { bodyBytesMax, clockSkewMs, hopTtlMs } from "#edge/limits.ts";
import type { AgentConfig } from "../config.ts";
import { openReplayCache } from "./replays.ts";
import { openVerifier } from "#edge/agreements/tokens/jws.ts";

/** A token that has been verified, and the body it was made for. */
export interface Admitted<Claims> {
  claims: Claims;
  body: Buffer;
}

/** Decides who comes in: calls and orders that the edge has signed. */
export interface Gate {
  /**
   * A call of the edge's. Throws 401 for anything but a fresh token of a live key, for this node and this very body;
   * 413 over 4 MiB.
   */
  admitCall(request: IncomingMessage): Promise<Admitted<HopClaims>>;
  admitOrder(request: IncomingMessage): Promise<Admitted<OrderClaims>>;
}

const replaysMax = 200_000;

/** Opens the only way in: EdDSA by one of the configured keys. `none`, HMAC and unknown key ids are refused. */
export function openGate(config: Pick<AgentConfig, "node" | "hopPublicKeys">, now: () => number): Gate {
  const verify = openVerifier(config.hopPublicKeys);
  const replays = openReplayCache(hopTtlMs + 2 * clockSkewMs, replaysMax, now);

  async function admit<Claims extends { aud: string; jti: string; iat: number; exp: number; bodySha256: string }>(
    request: IncomingMessage,
    shape: z.ZodType<Claims>,
  ): Promise<Admitted<Claims>> {
    const payload = verify(readHopToken(request));
    if (payload === null) throw unauthorized("token");
    const claims = shape.safeParse(payload);
    if (!claims.success) throw unauthorized("claims");
    const { aud, jti, iat, exp, bodySha256 } = claims.data;
    if (aud !== config.node) throw unauthorized("audience");
    if (exp * 1_000 <= now() - clockSkewMs) throw unauthorized("expired");
    if ((exp - iat) * 1_000 > hopTtlMs || iat * 1_000 > now() + clockSkewMs) throw unauthorized("lifetime");
    const isFresh = replays.isFresh(jti, exp * 1_000 + clockSkewMs);
    if (isFresh === null) throw new Refusal("server_is_overloaded", { retryAfterMs: 1_000, log: "replay_cache_full" });
    if (!isFresh) throw unauthorized("replayed");
    const body = await readBody(request, bodyBytesMax);
    if (digestBody(body) !== bodySha256) throw unauthorized("body");
    return { claims: claims.data, body };
  }

  return {
    admitCall: (request) => admit(request, HopClaims),
    admitOrder: (request) => admit(request, OrderClaims),
  };
}

/** One answer for every reason; only our log has the reason. */
function unauthorized(log: string): Refusal {
  return new Refusal("invalid_api_key", { message: "The hop token is missing or not valid.", mayRetry: false, log });
}

function readHopToken(request: IncomingMessage): string {
  const match = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(request.headers.authorization ?? "");
  if (!match?.[1]) throw unauthorized("no_token");
  return match[1];
}

function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bytesMax) return void chunks.push(chunk);
      request.pause();
      reject(new Refusal("request_too_large", { headers: { connection: "close" } }));
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", (cause) => reject(new Refusal("invalid_json", { log: "body_cut", cause })));
  });
}
