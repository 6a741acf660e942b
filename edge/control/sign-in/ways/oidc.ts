import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { describeJsonAnswer, describeJsonBody, refusalAnswer } from "../../http/endpoint.ts";
import { countForNetwork, defineStep, takeStep } from "../step.ts";

/** A page of ours, as a path: nothing that a browser could read as another host. */
const OwnPath = z
  .string()
  .max(512)
  .regex(/^\/(?![/\\])[\w./?=&%~#-]*$/, "Give a path of this gateway, such as /portal/.");
const ProviderId = z.string().regex(/^[a-z0-9-]{1,32}$/);
const Body = z
  .strictObject({
    provider: ProviderId,
    next: OwnPath.default("/portal/").openapi({ description: "Where to go when it is done." }),
    errorNext: OwnPath.default("/portal/").openapi({ description: "Where to go when it fails; `?error=` says why." }),
  })
  .openapi("SignInWithOidc");
const Answer = z.strictObject({ url: z.url() }).openapi("OidcRedirect");
const queryCharsMax = 8_192;

/** Begins to sign in at an issuer: the browser goes to `url`, and comes back to the callback. */
export const startOidc = defineStep(
  createRoute({
    method: "post",
    path: "/sign-in/oidc",
    operationId: "signInWithOidc",
    tags: ["sign-in"],
    summary: "Begin to sign in by a company login",
    security: [],
    middleware: [countForNetwork("tryByNetwork")],
    request: { body: describeJsonBody(Body) },
    responses: { 200: describeJsonAnswer("Where to send the browser.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { body } = await takeStep(c, { kind: "startOidc", ...c.req.valid("json") });
    return c.json({ url: z.object({ url: z.url() }).parse(body).url }, 200);
  },
);

/** Where an issuer sends the browser back to. State, PKCE, nonce, signature and issuer are checked; then it goes on. */
export const finishOidc = defineStep(
  createRoute({
    method: "get",
    path: "/callback/{provider}",
    hide: true,
    operationId: "finishOidc",
    tags: ["sign-in"],
    summary: "Where a company login sends the browser back to",
    security: [],
    middleware: [countForNetwork("tryByNetwork")],
    request: { params: z.strictObject({ provider: ProviderId }) },
    responses: { 302: { description: "On to the page that was asked for." }, default: refusalAnswer },
  }),
  async (c) => {
    const { search } = new URL(c.req.url);
    if (search.length > queryCharsMax) throw new Refusal("sign_in_failed");
    const { provider } = c.req.valid("param");
    const { location } = await takeStep(c, { kind: "finishOidc", provider, query: search });
    if (location === null) throw new Refusal("sign_in_failed");
    return c.redirect(location, 302);
  },
);
