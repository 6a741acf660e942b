import type { RouteConfig, RouteHandler } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { Refusal } from "../../errors.ts";
import { readOwnOrigin, refuseCrossOrigin } from "../http/browser-writes.ts";
import type { ControlEnv, SignedIn } from "../http/port.ts";
import type { SignInOutcome, SignInPorts, SignInStep } from "./port.ts";
import type { TryKind } from "./tries.ts";

/** Hono's variables of `/auth`: who is signed in, behind `requireSession`. */
export interface SignInEnv {
  Variables: ControlEnv["Variables"] & { origin: string; signIn: SignInPorts; me: SignedIn };
}

/** Defines an endpoint of `/auth`; `routes.ts` mounts it. */
export function defineStep<Route extends RouteConfig>(
  route: Route,
  answer: RouteHandler<Route, SignInEnv>,
): readonly [Route, RouteHandler<Route, SignInEnv>] {
  return [route, answer];
}

/** Opens `/auth` where people can sign in at all, and keeps out writes that come from pages of others. */
export const beginSignIn: MiddlewareHandler<SignInEnv> = async (c, next) => {
  const { control } = c.var.wiring;
  if (!control.signIn) throw new Refusal("unknown_url", { message: "Nobody can sign in here: it is not set up." });
  c.set("control", control);
  c.set("signIn", control.signIn);
  c.set("origin", readOwnOrigin(c.req.raw, control.publicUrl));
  refuseCrossOrigin(c.req.raw, c.var.origin);
  return next();
};

/** Lets in who is signed in. */
export const requireSession: MiddlewareHandler<SignInEnv> = async (c, next) => {
  const me = await c.var.control.sessions?.find(c.req.raw, c.var.visit.now());
  if (!me) throw new Refusal("not_signed_in");
  c.set("me", me);
  return next();
};

/**
 * Lets in who has signed in by her own proofs. A company login opens her org: what proves her elsewhere, and her other
 * sessions, are not her company's to see or to change.
 */
export const requireOwnSession: MiddlewareHandler<SignInEnv> = async (c, next) => {
  if (c.var.me.onlyOrg !== null)
    throw new Refusal("insufficient_permissions", {
      message: "This session began by your company's login, which opens its organization alone. Sign in by mail.",
    });
  return next();
};

/** Who has a second factor has shown it in this session, before she changes what she proves herself by. */
export const requireConfirmed: MiddlewareHandler<SignInEnv> = async (c, next) => {
  if (c.var.me.isMfaEnabled && !c.var.me.hasSecondFactor) throw new Refusal("second_factor_required");
  return next();
};

/** Counts a try for the caller's network; refuses with 429 when there were too many. */
export function countForNetwork(kind: TryKind): MiddlewareHandler<SignInEnv> {
  return async (c, next) => {
    await c.var.signIn.tries.countNetwork(kind, c.req.raw.headers, c.var.visit.now());
    return next();
  };
}

/** Takes a step, and hands its cookies to the answer, unless something is still to be done before. */
export async function takeStep(c: Context<SignInEnv>, step: SignInStep, isLast = true): Promise<SignInOutcome> {
  const { signIn, origin, visit } = c.var;
  const outcome = await signIn.proofs.take(step, {
    request: c.req.raw,
    origin,
    nowMs: visit.now(),
    log: (event, facts) => visit.log(event, facts),
  });
  if (isLast) for (const cookie of outcome.cookies) c.header("set-cookie", cookie, { append: true });
  return outcome;
}
