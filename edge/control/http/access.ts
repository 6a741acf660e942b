import type { Context, MiddlewareHandler } from "hono";
import { OrgId } from "../../agreements/tokens/ids.ts";
import {
  computeDigests,
  isSameText,
  isTagged,
  readKey,
  type PresentedKey,
} from "../../agreements/tokens/key-format.ts";
import { Refusal } from "../../errors.ts";
import { findPresented, isInForce, type KeyRow } from "../keys/queries.ts";
import { findOrg } from "../orgs/queries.ts";
import type { ControlEnv } from "./port.ts";

/**
 * Lets admin keys in. Whatever is wrong with a credential, the answer is the same 401, but for what its form alone
 * shows to anybody; a key that we did not make costs no I/O (S3). Those of a suspended org may read, and nothing else.
 */
export const authenticate: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const { keyring } = c.var.control;
  refuseByForm(c);
  const presented = readKey(readBearer(c));
  if (presented?.kind !== "admin" || !(await isTagged(presented, keyring))) throw new Refusal("invalid_api_key");
  const row = await findPresentedKey(c, presented);
  const digests = await computeDigests(presented.text, keyring);
  const digest = digests.find(({ kid }) => kid === row?.pepper_kid)?.digest ?? "";
  if (!row?.role || !isSameText(digest, row.digest) || !isInForce(row, c.var.visit.now()))
    throw new Refusal("invalid_api_key");
  // Operators go on, or who suspends the house's own org by mistake could not undo it.
  const mayWrite = row.is_suspended === 0 || row.role === "operator";
  if (!mayWrite && !readMethods.has(c.req.method)) throw new Refusal("org_suspended");
  c.set("admin", { key: row.id, org: row.org, role: row.role, expiresAtMs: row.expires_at_ms });
  return next();
};

const readMethods = new Set(["GET", "HEAD"]);

/**
 * Opens the bootstrap to the holder of the deployment's token. Without such a token the bootstrap does not exist, and
 * nothing hints at it.
 */
export const authenticateBootstrap: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const token = c.var.control.bootstrapToken;
  if (!token) throw new Refusal("unknown_url");
  if (!isSameText(readBearer(c), token)) throw new Refusal("invalid_api_key");
  return next();
};

/** Guards every path that names an org: another's org, an unknown one and a malformed id are the same 404 (S4). */
export const reachOrg: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const { admin, control } = c.var;
  const id = OrgId.safeParse(c.req.param("org"));
  if (!id.success) throw new Refusal("not_found");
  if (admin.role !== "operator" && admin.org !== id.data) throw new Refusal("not_found");
  const org = await findOrg(control.db, id.data);
  if (!org) throw new Refusal("not_found");
  c.set("org", org);
  return next();
};

/** Lets operators' keys through, for what only the house may do. */
export const requireOperator: MiddlewareHandler<ControlEnv> = async (c, next) => {
  if (c.var.admin.role !== "operator")
    throw new Refusal("insufficient_permissions", { message: "Only an operator's key may do this." });
  return next();
};

/** Refuses admins who touch admin keys: an org's admin manages inference keys only, operators manage both. */
export function refuseUnlessInCharge(c: Context<ControlEnv>, kind: KeyRow["kind"]): void {
  if (kind === "inference" || c.var.admin.role === "operator") return;
  throw new Refusal("insufficient_permissions", {
    message: "Only an operator's key may create, rotate or revoke admin keys.",
  });
}

/** No key at all, and an inference key or a client token: this tells nothing about any key. */
function refuseByForm(c: Context<ControlEnv>): void {
  const shown = readBearer(c);
  if (shown === "" || shown.startsWith("ey")) {
    const what = shown === "" ? "No key was sent" : "This is a client token";
    throw new Refusal("invalid_api_key", {
      message: `${what}. Send an admin key as 'Authorization: Bearer sk-pen-admin-…'.`,
    });
  }
  if (!shown.startsWith("sk-pen-") || shown.startsWith("sk-pen-admin-")) return;
  throw new Refusal("invalid_api_key", {
    message: "This is an inference key, which is for /v1 only. Send an admin key ('sk-pen-admin-…').",
  });
}

function readBearer(c: Context<ControlEnv>): string {
  return /^Bearer (\S{1,512})$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
}

async function findPresentedKey(c: Context<ControlEnv>, presented: PresentedKey) {
  try {
    return await findPresented(c.var.control.db, presented.org, presented.key);
  } catch (cause) {
    // When the store cannot be read, the key is neither valid nor invalid (F1).
    throw new Refusal("store_unavailable", {
      message: "The store of keys is out of reach.",
      retryAfterMs: 1_000,
      log: "keys unreadable",
      cause,
    });
  }
}
