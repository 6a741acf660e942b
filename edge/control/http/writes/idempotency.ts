import type { MiddlewareHandler } from "hono";
import { digestHex } from "../../../agreements/digest.ts";
import { describeCause, Refusal } from "../../../errors.ts";
import { idempotencyKeyCharsMax } from "../../../limits.ts";
import { claimWrite, endWrite, type NamedWrite } from "./queries.ts";
import type { ControlEnv } from "../port.ts";

const rememberedMs = 86_400_000;
/** A write takes seconds; one that was claimed longer ago than this lost its isolate. */
const abandonedMs = 60_000;

/**
 * Runs a write that names an `Idempotency-Key` once: repeated within a day it is refused with 409, which says the
 * request that ran. Its answer is not stored, since it may have shown a key; a write that was refused may be repeated.
 * The same key with another body is refused too. Keys are each principal's own.
 */
export const runOnce: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const given = c.req.header("idempotency-key");
  if (given === undefined || c.req.method === "GET" || c.req.method === "HEAD") return next();
  if (given === "" || given.length > idempotencyKeyCharsMax) {
    throw new Refusal("invalid_value", {
      param: "Idempotency-Key",
      message: `Idempotency-Key must have 1 to ${idempotencyKeyCharsMax} characters.`,
    });
  }
  const { visit, control, principal } = c.var;
  const text = await c.req.raw.clone().text();
  const write: NamedWrite = {
    principal: principal.id,
    key: digestHex(given),
    digest: digestHex(`${c.req.method} ${c.req.path} ${digestHex(text)}`),
    request: visit.id,
    atMs: visit.now(),
  };
  const before = { forgottenMs: write.atMs - rememberedMs, abandonedMs: write.atMs - abandonedMs };
  const known = await claimWrite(control.db, write, before);
  if (known) throw refuseRepeated(write, known);
  await next();
  const status = c.error || !c.res.ok ? null : c.res.status;
  await endWrite(control.db, write, status).catch((cause: unknown) =>
    visit.log("idempotency_not_ended", { cause: describeCause(cause) }),
  );
};

function refuseRepeated(write: NamedWrite, known: { digest: string; status: number | null; request: string }): Refusal {
  if (known.digest !== write.digest) return new Refusal("idempotency_mismatch");
  if (known.status === null) return new Refusal("idempotency_in_progress", { retryAfterMs: 1_000 });
  return new Refusal("idempotency_replayed", {
    message: `This has been done already, by request ${known.request}; its answer is not stored.`,
    mayRetry: false,
  });
}
