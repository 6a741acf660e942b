import { z, type RouteConfig, type RouteHandler } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { Refusal, refusals } from "../../errors.ts";
import { findReach, permissions, type Action } from "../permissions.ts";
import type { ControlEnv, Principal } from "./port.ts";

const codes = Object.keys(refusals);
const types = Array.from(new Set(Object.values(refusals).map(({ type }) => type)));

const ErrorBody = z
  .object({
    error: z.looseObject({
      message: z.string().openapi({ description: "For people. Its wording may change." }),
      type: z.enum(types).openapi({ description: "The family that the code belongs to, as OpenAI names them." }),
      param: z.string().nullable().openapi({ description: "The field at fault, as a path (`messages[0].role`)." }),
      code: z.enum(codes).openapi({ description: "For programs. The list is closed." }),
    }),
  })
  .openapi("Error");

/** The member of an operation in the API's document that names its action in the table of permissions. */
export const actionMember = "x-penstock-action";

/**
 * Defines an endpoint: its part of the OpenAPI document, and its handler. `routes.ts` mounts it. Whoever may not do its
 * action is refused with 403 before anything of the request is read; `c.var.reach` tells the handler how far they may.
 */
export function defineEndpoint<Route extends RouteConfig>(
  action: Action,
  route: Route,
  answer: RouteHandler<Route, ControlEnv>,
): readonly [Route, RouteHandler<Route, ControlEnv>] {
  return [{ ...route, [actionMember]: action, middleware: [requireAction(action)] }, answer];
}

/** Defines an endpoint that has a way of its own to tell who may: the bootstrap. */
export function defineOpenEndpoint<Route extends RouteConfig>(
  route: Route,
  answer: RouteHandler<Route, ControlEnv>,
): readonly [Route, RouteHandler<Route, ControlEnv>] {
  return [route, answer];
}

/** Refuses who may not do an action; for what an endpoint does besides its own, too. */
export function refuseUnlessMay(principal: Principal, action: Action): void {
  if (readReach(principal, action) === null) throw refuseAction(principal, action);
}

/** How far a principal may go with an action; null when not at all. */
export function readReach({ role, isOperator }: Principal, action: Action) {
  return findReach(action, isOperator ? [role, "operator"] : [role]);
}

function requireAction(action: Action): MiddlewareHandler<ControlEnv> {
  return async (c, next) => {
    const reach = readReach(c.var.principal, action);
    if (reach === null) throw refuseAction(c.var.principal, action);
    c.set("reach", reach);
    return next();
  };
}

/** The refusal of an operator who has yet to show the second factor that is asked of operators. */
export function refuseHeldUp(): Refusal {
  return new Refusal("second_factor_required", {
    message: "Operators need a second factor here: set one up in your account, then sign in again.",
  });
}

function refuseAction({ isHeldUp }: Principal, action: Action): Refusal {
  if (isHeldUp && findReach(action, ["operator"]) !== null) return refuseHeldUp();
  const may = Object.keys(permissions[action]).filter((role) => role !== "person");
  const isOperators = may.length === 1 && may[0] === "operator";
  const who =
    may.length === 0 ? "someone who is signed in" : isOperators ? "an operator" : `who is ${may.join(" or ")}`;
  return new Refusal("insufficient_permissions", { message: `Only ${who} may do this (${action}).` });
}

/** Describes a required JSON body. */
export function describeJsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}

/** The body of an endpoint that needs none: nothing, or `{}`. */
export const noBody = { required: false, content: { "application/json": { schema: z.strictObject({}) } } };

/** Describes a JSON answer. */
export function describeJsonAnswer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } };
}

/** Describes an answer that is streamed in another form than JSON, which the handler writes with `c.body`. */
export function describeStream(description: string, mediaType: string) {
  const content: Record<string, { schema: z.ZodString }> = { [mediaType]: { schema: z.string() } };
  return { description, content };
}

/** Every other answer is a refusal in OpenAI's error envelope. */
export const refusalAnswer = describeJsonAnswer("A refusal: `code` is for programs, `message` for people.", ErrorBody);
