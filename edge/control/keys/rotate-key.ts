import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { mintKey } from "../../agreements/tokens/key-format.ts";
import { Refusal } from "../../errors.ts";
import { rotationOverlapMsMax } from "../../limits.ts";
import { refuseUnlessInCharge } from "../http/access.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, refusalAnswer } from "../http/endpoint.ts";
import { Expiry } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import { cleanUp, publishKey } from "../publishing/publish.ts";
import { commitKeyStep, describeKey, withdrawKey } from "./commit-key.ts";
import {
  findFull,
  Key,
  KeyPath,
  KeyWithSecret,
  readKeyRoom,
  readOwner,
  refuseOutliving,
  refusePast,
  toKey,
} from "./key.ts";
import { endKey, findKey, isInForce, type KeyRow } from "./queries.ts";
import { insertSuccessor } from "./insert-queries.ts";

const rotated = "This key has been rotated already; rotate its successor.";

const Body = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(rotationOverlapMsMax / 1_000)
      .openapi({ description: "How long the old key still works. 0 revokes it at once." }),
    expiresAt: Expiry.openapi({
      description:
        "When the new key expires; as the old one when not given. `null` is never, for a key that does not expire.",
    }),
  })
  .openapi("KeyRotate");

const Answer = z.strictObject({ ...KeyWithSecret.shape, replaced: Key }).openapi("KeyRotated");

/**
 * Makes a key with the old one's name and scopes; the old one ends after the overlap, or when it would have ended
 * anyway. A key that is not in force, or has been rotated already, is refused with 409. When either cannot be brought
 * into force, the old key stays as it was and the new one is shown to nobody.
 */
export const rotateKey = defineEndpoint(
  "keys.write",
  createRoute({
    method: "post",
    path: "/orgs/{org}/keys/{key}/rotate",
    operationId: "rotateKey",
    tags: ["keys"],
    summary: "Rotate a key",
    request: { params: KeyPath, body: describeJsonBody(Body) },
    responses: { 201: describeJsonAnswer("The new key; `secret` is shown this once.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control, org } = c.var;
    const { overlapSeconds, expiresAt } = c.req.valid("json");
    const nowMs = visit.now();
    const old = await findKey(control.db, org.id, c.req.valid("param").key, readOwner(c));
    if (!old) throw new Refusal("not_found");
    refuseUnlessInCharge(c, old.kind);
    refusePast(expiresAt, nowMs);
    if (!isInForce(old, nowMs)) throw new Refusal("conflict", { message: "This key is revoked or has expired." });
    const expiresAtMs = expiresAt === undefined ? old.expires_at_ms : expiresAt;
    refuseLasting(old, expiresAtMs);
    refuseOutliving(c, old.kind, expiresAtMs);
    const minted = await mintKey(old.kind, org.id, control.keyring, (bytes) => visit.random(bytes));
    const max = readKeyRoom(org, old.kind);
    const facts = describeKey({ ...old, hint: minted.hint, expires_at_ms: expiresAtMs });
    const event = { type: "key.created", body: { key: minted.id, ...facts } } as const;
    const draft = { ...minted, expiresAtMs, createdAtMs: nowMs };
    const row = await commitKeyStep(c, event, insertSuccessor(control.db, old.id, draft, max));
    if (!row) throw (await findFull(control.db, org, max, nowMs)) ?? new Refusal("conflict", { message: rotated });
    const { made, replaced } = await handOver(c, old, row, overlapSeconds);
    return c.json({ ...toKey(made, nowMs), secret: minted.text, replaced: toKey(replaced, nowMs) }, 201);
  },
);

/** Rotation renews a key; that an end is lifted is facts of the key itself, by changing it. */
function refuseLasting(old: KeyRow, expiresAtMs: number | null): void {
  if (old.expires_at_ms === null || expiresAtMs !== null) return;
  throw new Refusal("invalid_value", {
    param: "expiresAt",
    message: "expiresAt: This key expires, so its successor must. Give a moment, or change the key itself first.",
  });
}

/** The new key comes into force before the old one ends; when either fails, both go back to where they were. */
async function handOver(
  c: Context<ControlEnv>,
  old: KeyRow,
  fresh: KeyRow,
  overlapSeconds: number,
): Promise<{ made: KeyRow; replaced: KeyRow }> {
  const { control } = c.var;
  const nowMs = fresh.created_at_ms;
  let ended: KeyRow | null = null;
  try {
    const made = await publishKey(c, fresh);
    const event = { type: "key.rotated", body: { key: old.id, replacedBy: fresh.id, overlapSeconds } } as const;
    ended = await commitKeyStep(c, event, endKey(control.db, old.id, nowMs, overlapSeconds * 1_000));
    // Where somebody has revoked it meanwhile it is shown as it is now.
    const replaced = ended ? await publishKey(c, ended) : await findKey(control.db, old.org, old.id);
    return { made, replaced: replaced ?? old };
  } catch (cause) {
    await cleanUp(c, () => withdrawKey(c, fresh, ended && { ended, expiresAtMs: old.expires_at_ms }));
    throw cause;
  }
}
