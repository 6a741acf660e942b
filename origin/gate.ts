import type { IncomingMessage } from "node:http";
import { errors, importJWK, jwtVerify, type CryptoKey, type JWTHeaderParameters, type JWTPayload } from "jose";
import type { z } from "zod";
import { edgeIssuer, HopClaims, OrderClaims } from "#edge/agreements/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { bodyBytesMax, clockSkewMs, hopTtlMs } from "#edge/limits.ts";
import type { AgentConfig } from "./config.ts";
import { openReplays } from "./replays.ts";
import { bodyHash } from "./sign.ts";

/** A token that has been verified, and the body it was made for. */
export interface Admitted<Claims> {
  claims: Claims;
  body: Buffer;
}

export interface Gate {
  /** A call of the edge's. Throws 401 for anything but a fresh token of a live key, for this node and this very body; 413 over 4 MiB. */
  admitCall(request: IncomingMessage): Promise<Admitted<HopClaims>>;
  admitOrder(request: IncomingMessage): Promise<Admitted<OrderClaims>>;
}

const replaysMax = 200_000;

type KeyOf = (header: JWTHeaderParameters) => Promise<CryptoKey>;

/** The only way in. Signatures are EdDSA by one of the configured keys; `none`, HMAC and unknown key ids die here. */
export async function openGate(config: Pick<AgentConfig, "node" | "hopPublicKeys">, now: () => number): Promise<Gate> {
  const keys = new Map<string, CryptoKey>();
  for (const [kid, jwk] of Object.entries(config.hopPublicKeys)) {
    const key = await importJWK({ kty: jwk.kty, crv: jwk.crv, x: jwk.x }, "EdDSA");
    if (!(key instanceof Uint8Array)) keys.set(kid, key);
  }
  const keyOf: KeyOf = async ({ kid }) => {
    const key = kid === undefined ? undefined : keys.get(kid);
    if (!key) throw unauthorized("unknown_kid");
    return key;
  };
  const replays = openReplays(hopTtlMs + 2 * clockSkewMs, replaysMax, now);

  async function admit<Claims extends { jti: string; iat: number; exp: number; bodySha256: string }>(
    request: IncomingMessage,
    shape: z.ZodType<Claims>,
  ): Promise<Admitted<Claims>> {
    const claims = shape.safeParse(await verify(bearerOf(request), keyOf, config.node, now()));
    if (!claims.success) throw unauthorized("claims");
    const { jti, iat, exp, bodySha256 } = claims.data;
    if ((exp - iat) * 1_000 > hopTtlMs || iat * 1_000 > now() + clockSkewMs) throw unauthorized("lifetime");
    const isFresh = replays.isFresh(jti, exp * 1_000 + clockSkewMs);
    if (isFresh === null) throw new Refusal("server_is_overloaded", { retryAfterMs: 1_000, log: "replay_cache_full" });
    if (!isFresh) throw unauthorized("replayed");
    const body = await readBody(request, bodyBytesMax);
    if (bodyHash(body) !== bodySha256) throw unauthorized("body");
    return { claims: claims.data, body };
  }

  return {
    admitCall: (request) => admit(request, HopClaims),
    admitOrder: (request) => admit(request, OrderClaims),
  };
}

async function verify(token: string, keyOf: KeyOf, node: string, nowMs: number): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: ["EdDSA"],
      issuer: edgeIssuer,
      audience: node,
      clockTolerance: clockSkewMs / 1_000,
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw unauthorized(error instanceof errors.JOSEError ? error.code : "token");
  }
}

/** One answer for every reason; which one it was stands in our log only. */
function unauthorized(log: string): Refusal {
  return new Refusal("invalid_api_key", { say: "The hop token is missing or not valid.", mayRetry: false, log });
}

function bearerOf(request: IncomingMessage): string {
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
