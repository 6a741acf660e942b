import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { UserId, isLoginId } from "../../../agreements/tokens/ids.ts";
import { Refusal } from "../../../errors.ts";
import { toIssuer, writeRedirectUri } from "../../company-login/login.ts";
import { findLoginById, type LoginRow } from "../../company-login/queries.ts";
import { describeJsonAnswer, describeJsonBody, refusalAnswer } from "../../http/endpoint.ts";
import { Email } from "../answers.ts";
import { admitByCompany } from "../company/admit.ts";
import type { KeptFlow } from "../company/flows.ts";
import { joinByCompany } from "../company/join.ts";
import type { HouseIssuer, Issuer, IssuerProof, OidcClaims } from "../port.ts";
import { countForNetwork, defineStep, takeStep, type SignInEnv } from "../step.ts";

/** A page of ours, as a path: nothing that a browser could read as another host. */
const OwnPath = z
  .string()
  .max(512)
  .regex(/^\/(?![/\\])[\w./?=&%~#-]*$/, "Give a path of this gateway, such as /portal/.");
const ProviderId = z.string().regex(/^([a-z0-9-]{1,32}|sso_[0-9A-Za-z]{22})$/);
const Body = z
  .strictObject({
    provider: ProviderId,
    email: Email.optional().openapi({ description: "Told to the issuer, which may spare one typing it again." }),
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
    const { signIn, origin, visit } = c.var;
    const { provider, email = null, next, errorNext } = c.req.valid("json");
    const { issuer } = await findProvider(c, provider);
    const redirectUri = writeRedirectUri(origin, provider);
    const { url, flow } = await signIn.oidc.start(issuer, { redirectUri, hint: email });
    c.header("set-cookie", signIn.flows.write({ provider, next, errorNext, ...flow }, visit.now()), { append: true });
    return c.json({ url }, 200);
  },
);

/**
 * Where an issuer sends the browser back to. State, PKCE, nonce, signature and issuer are checked; then it goes on.
 * What fails goes on too, to the page that the browser came from, with why.
 */
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
    const { signIn, visit } = c.var;
    const { provider } = c.req.valid("param");
    const flow = signIn.flows.read(c.req.raw.headers, visit.now());
    c.header("set-cookie", signIn.flows.end(), { append: true });
    try {
      if (flow?.provider !== provider) throw new Refusal("sign_in_failed", { log: "no flow" });
      await enter(c, flow);
      return c.redirect(flow.next, 302);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      visit.logRefusal(cause);
      const back = flow?.errorNext ?? "/portal/sign-in";
      return c.redirect(`${back}${back.includes("?") ? "&" : "?"}error=${cause.code}`, 302);
    }
  },
);

async function enter(c: Context<SignInEnv>, { provider, state, nonce, verifier }: KeptFlow): Promise<void> {
  const { signIn, origin, visit } = c.var;
  const { search } = new URL(c.req.url);
  if (search.length > queryCharsMax || !(await signIn.tries.spendState(state, visit.now())))
    throw new Refusal("sign_in_failed", { log: "state used, or too long" });
  const { issuer, house, login } = await findProvider(c, provider);
  const redirectUri = writeRedirectUri(origin, provider);
  const flow = { state, nonce, verifier };
  const given = await signIn.oidc.finish(issuer, { redirectUri, query: search, flow });
  const email = Email.safeParse(given.email);
  if (!given.isVerified || !email.success)
    throw new Refusal("sign_in_failed", { log: "the issuer has not verified the address" });
  const claims = { ...given, email: email.data };
  const proof = login ? await admitByCompany(c, login, claims) : proveByHouse(house, claims);
  const { body, cookies } = await takeStep(c, { kind: "enterByIssuer", ...proof }, false);
  if (login) {
    const { user, email: address } = z.object({ user: UserId, email: z.string() }).parse(body);
    await joinByCompany(c, login, { user, email: address, name: claims.name });
  }
  for (const cookie of cookies) c.header("set-cookie", cookie, { append: true });
}

/** Whom the operator's own issuer has named, the operator answers for. */
function proveByHouse({ id: provider, provesSecondFactor: isStrong }: HouseIssuer, claims: OidcClaims): IssuerProof {
  const { subject, email, name } = claims;
  return { provider, subject, email, name, isStrong, onlyOrg: null };
}

/** The operator's issuer of that id, or an org's company login. */
async function findProvider(
  c: Context<SignInEnv>,
  id: string,
): Promise<{ issuer: Issuer; house: HouseIssuer; login: null } | { issuer: Issuer; house: null; login: LoginRow }> {
  const { control, signIn } = c.var;
  const house = signIn.issuers.find((one) => one.id === id);
  if (house) return { issuer: house, house, login: null };
  const login = isLoginId(id) ? await findLoginById(control.db, id) : null;
  if (!login) throw new Refusal("not_found");
  return { issuer: await toIssuer(control, login), house: null, login };
}
