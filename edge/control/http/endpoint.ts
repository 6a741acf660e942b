import { z, type RouteConfig, type RouteHandler } from "@hono/zod-openapi";
import { refusals } from "../../errors.ts";
import type { ControlEnv } from "./port.ts";

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

/** Defines an endpoint: its part of the OpenAPI document, and its handler. `routes.ts` mounts it. */
export function defineEndpoint<Route extends RouteConfig>(
  route: Route,
  answer: RouteHandler<Route, ControlEnv>,
): readonly [Route, RouteHandler<Route, ControlEnv>] {
  return [route, answer];
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

/** Every other answer is a refusal in OpenAI's error envelope. */
export const refusalAnswer = describeJsonAnswer("A refusal: `code` is for programs, `message` for people.", ErrorBody);
