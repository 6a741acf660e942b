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
import { findOrg, type OrgRow } from "../orgs/queries.ts";
import { findMembership } from "../members/queries.ts";
import { limitRole } from "../members/member.ts";
import type { Role } from "../permissions.ts";
import { readOwnOrigin, refuseCrossOrigin } from "./browser-writes.ts";
import { refuseHeldUp } from "./endpoint.ts";
import type { ControlEnv, Principal, SignedIn } from "./port.ts";

/**
 * Lets admin keys in, and who is signed in. Whatever is wrong with a credential, the answer is the same 401, but for
 * what its form alone shows to anybody; a key that we did not make costs no I/O (S3). Keys of a suspended org may
 * read, and nothing else.
 */
export const authenticate: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const isByCookie = c.req.header("authorization") === undefined && c.req.header("cookie") !== undefined;
  const principal = isByCookie ? await findPerson(c) : await findKeyHolder(c);
  c.set("principal", principal);
  return next();
};

async function findKeyHolder(c: Context<ControlEnv>): Promise<Principal> {
  const { keyring } = c.var.control;
  refuseByForm(c);
  const presented = readKey(readBearer(c));
  if (presented?.kind !== "admin" || !(await isTagged(presented, keyring))) throw new Refusal("invalid_api_key");
  const row = await findPresentedKey(c, presented);
  const digests = await computeDigests(presented.text, keyring);
  const digest = digests.find(({ kid }) => kid === row?.pepper_kid)?.digest ?? "";
  if (!row?.role || !isSameText(digest, row.digest) || !isInForce(row, c.var.visit.now()))
    throw new Refusal("invalid_api_key");
  const isOperator = row.role === "operator";
  // Operators go on, or who suspends the house's own org by mistake could not undo it.
  if (row.is_suspended !== 0 && !isOperator) refuseWrites(c);
  const { id, org, name, role, expires_at_ms: expiresAtMs } = row;
  return { kind: "key", id, name, org, role, isOperator, isHeldUp: false, expiresAtMs, person: null };
}

/**
 * A browser sends cookies wherever a page sends it, so a write by session needs our own origin and the JSON content
 * type, which no other site's page can have it send (S10).
 */
async function findPerson(c: Context<ControlEnv>): Promise<Principal> {
  const person = await findSession(c);
  if (!person) throw new Refusal("invalid_api_key", { message: "Nobody is signed in. Sign in, or send an admin key." });
  refuseCrossOrigin(c.req.raw, readOwnOrigin(c.req.raw, c.var.control.publicUrl));
  const { user: id, name, expiresAtMs } = person;
  const isHeldUp = person.isOperator && c.var.control.requiresOperatorMfa && !person.hasSecondFactor;
  const isOperator = person.isOperator && !isHeldUp;
  return { kind: "member", id, name, org: null, role: "person", isOperator, isHeldUp, expiresAtMs, person };
}

async function findSession(c: Context<ControlEnv>): Promise<SignedIn | null> {
  try {
    return (await c.var.control.sessions?.find(c.req.raw, c.var.visit.now())) ?? null;
  } catch (cause) {
    // When the store cannot be read, nobody is known to be signed in, nor not to be (F1).
    throw new Refusal("store_unavailable", {
      message: "The store of sessions is out of reach.",
      retryAfterMs: 1_000,
      log: "sessions unreadable",
      cause,
    });
  }
}

const readMethods = new Set(["GET", "HEAD"]);

function refuseWrites(c: Context<ControlEnv>): void {
  if (!readMethods.has(c.req.method)) throw new Refusal("org_suspended");
}

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

/**
 * Guards every path that names an org: another's org, an unknown one and a malformed id are the same 404 (S4). A member
 * has their role in it from here on.
 */
export const reachOrg: MiddlewareHandler<ControlEnv> = async (c, next) => {
  await reach(c, c.req.param("org"));
  return next();
};

/** The header by which OpenAI's SDKs name an org. */
const orgHeader = "OpenAI-Organization";

/** The same where no path names an org: it is the one that the header names, or else the key's own. */
export const reachOwnOrg: MiddlewareHandler<ControlEnv> = async (c, next) => {
  const named = c.req.header(orgHeader) ?? c.var.principal.org;
  if (named === null)
    throw new Refusal("invalid_value", { param: orgHeader, message: `${orgHeader}: Send the org's id.` });
  await reach(c, named);
  return next();
};

async function reach(c: Context<ControlEnv>, named: string | undefined): Promise<void> {
  const { principal, control } = c.var;
  const id = OrgId.safeParse(named);
  if (!id.success) throw new Refusal("not_found");
  const { role, requiresLogin } = await findRole(c, id.data);
  if (role === null && principal.isHeldUp) throw refuseHeldUp();
  if (role === null && !principal.isOperator) throw new Refusal("not_found");
  const org = await findOrg(control.db, id.data);
  if (!org) throw new Refusal("not_found");
  if (principal.person) refuseWithoutFactor(org, principal.person);
  if (principal.person && !principal.isOperator) {
    refuseSuspended(c, org);
    if (requiresLogin) refuseOtherWays(principal.person, role);
  }
  c.set("principal", { ...principal, role: role ?? principal.role });
  c.set("org", org);
}

/** The role of who asks in an org, null when they have none there; and whether its members come by its own login. */
async function findRole(c: Context<ControlEnv>, org: OrgId): Promise<{ role: Role | null; requiresLogin: boolean }> {
  const { principal, control } = c.var;
  const { person } = principal;
  if (!person) return { role: principal.org === org ? principal.role : null, requiresLogin: false };
  if (person.onlyOrg !== null && person.onlyOrg !== org) return { role: null, requiresLogin: false };
  const { role, requiresLogin } = await findMembership(control.db, org, principal.id);
  return { role: role && limitRole(role, person), requiresLogin };
}

/** Members come by the company login alone; owners have a way past it, so that nobody is locked out: two factors. */
function refuseOtherWays({ onlyOrg, hasSecondFactor }: SignedIn, role: Role | null): void {
  if (onlyOrg !== null || (role === "owner" && hasSecondFactor)) return;
  throw new Refusal("insufficient_permissions", {
    message:
      role === "owner"
        ? "This organization asks for its company login, and of an owner who signs in otherwise for a second factor."
        : "This organization asks for its company login: sign in by it.",
  });
}

/** An org that asks for a second factor asks everybody who is signed in, operators too. */
function refuseWithoutFactor(org: OrgRow, person: SignedIn): void {
  if (org.requires_mfa !== 0 && !person.hasSecondFactor)
    throw new Refusal("insufficient_permissions", {
      message: "This organization asks for a second factor: set one up in your account, then sign in again.",
    });
}

function refuseSuspended(c: Context<ControlEnv>, org: OrgRow): void {
  // Closing suspends first; when its keys could not be published then, the owner repeats it.
  const isClosing = org.closed_at_ms !== null && c.req.method === "DELETE" && c.req.path.endsWith(`/orgs/${org.id}`);
  if (org.is_suspended !== 0 && !isClosing) refuseWrites(c);
}

/**
 * Refuses who may not touch admin keys: an admin key manages inference keys only; people who are owner or admin of the
 * org, and operators, manage both.
 */
export function refuseUnlessInCharge(c: Context<ControlEnv>, kind: KeyRow["kind"]): void {
  const { kind: by, isOperator } = c.var.principal;
  if (kind === "inference" || isOperator || (by === "member" && c.var.reach === "all")) return;
  throw new Refusal("insufficient_permissions", {
    message: "An admin key may not create, rotate or revoke admin keys; an owner, an admin or an operator may.",
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
    message: "This is an inference key, which is for calls to models. Send an admin key ('sk-pen-admin-…').",
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
