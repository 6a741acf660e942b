import { Redis } from "@upstash/redis/cloudflare";

/** Where Upstash's REST is, or a bridge that speaks it. `waitMsMax` bounds each request, from sending to the last byte of its answer. */
export interface RedisOptions {
  url: string;
  token: string;
  waitMsMax: number;
}

/** Runs one script, known to Redis by its SHA-1, on the keys of one slot. */
export type RunScript = (keys: string[], args: string[]) => Promise<unknown>;

/** Redis could not be asked, or did not answer as it should. Its message names no argument: those carry digests and addresses. */
export class RedisError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RedisError";
  }
}

/**
 * One HTTP request a run: the script is sent by its SHA-1, and whole only when Redis does not know it (NOSCRIPT: nothing has run, so it may be sent again).
 * No other failure is tried again. A wrong token, a refusal, garbage, silence past the deadline: all throw a RedisError.
 */
export function openScript(options: RedisOptions, script: string): RunScript {
  const { url, token, waitMsMax } = options;
  const redis = new Redis({
    url,
    token,
    signal: () => AbortSignal.timeout(waitMsMax),
    // `retry: false` would still try twice.
    retry: { retries: 0 },
    responseEncoding: false,
    automaticDeserialization: false,
    // Merging would wait for other calls of the same tick, and one that fails would fail them all.
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: false,
  });
  const sha = sha1Of(script);
  return async (keys, args) => {
    try {
      return await redis.evalsha<string[], unknown>(await sha, keys, args);
    } catch (cause) {
      if (!isUnknownScript(cause)) throw safeError(cause, waitMsMax);
    }
    try {
      return await redis.eval<string[], unknown>(script, keys, args);
    } catch (cause) {
      throw safeError(cause, waitMsMax);
    }
  };
}

function isUnknownScript(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith("NOSCRIPT");
}

/** The SDK appends the whole command to what Redis said, and the whole body to what it could not parse. */
function safeError(cause: unknown, waitMsMax: number): RedisError {
  if (!(cause instanceof Error)) return new RedisError("redis: failed");
  if (cause.name === "TimeoutError" || cause.name === "AbortError") return new RedisError(`redis: no answer within ${waitMsMax} ms`);
  if (cause.name === "UpstashJSONParseError") return new RedisError("redis: the answer is not JSON");
  return new RedisError(`redis: ${(cause.message.split(", command was:")[0] ?? "").slice(0, 200)}`);
}

async function sha1Of(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
