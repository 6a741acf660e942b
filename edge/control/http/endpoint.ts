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

/** An endpoint: what the OpenAPI document says of it, and what answers. `routes.ts` hangs it in. */
export function endpoint<Route extends RouteConfig>(
  route: Route,
  answer: RouteHandler<Route, ControlEnv>,
): readonly [Route, RouteHandler<Route, ControlEnv>] {
  return [route, answer];
}

/** A JSON body that must be sent. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}

/** The body of an endpoint that needs none: nothing, or `{}`. */
export const noBody = { required: false, content: { "application/json": { schema: z.strictObject({}) } } };

/** A JSON answer. */
export function jsonAnswer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } };
}

/** Every other answer is a refusal in OpenAI's error envelope. */
export const refusalAnswer = jsonAnswer("A refusal: `code` is for programs, `message` for people.", ErrorBody);
