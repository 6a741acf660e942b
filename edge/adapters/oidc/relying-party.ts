import * as oauth from "oauth4webapi";
import { BadTarget } from "../../agreements/webhooks/target.ts";
import type { Issuer, OidcClaims, OidcClient } from "../../control/sign-in/port.ts";
import { OutOfReach, Refusal } from "../../errors.ts";
import { guardFetch, type FetchTerms } from "./guarded-fetch.ts";

/** With what issuers are asked: a guard for those that orgs have set. */
export interface OidcTerms {
  fetch: typeof fetch;
  guard: NonNullable<FetchTerms["guard"]>;
}

/** How far an issuer's clock may be from ours. */
const clockToleranceSeconds = 60;
const scope = "openid email profile";

/** The client, with the library that speaks for it. */
export function openRelyingParty(terms: OidcTerms): OidcClient {
  return {
    async start(issuer, { redirectUri, hint }) {
      const server = await discover(terms, issuer);
      const url = readEndpoint(server, "authorization_endpoint", issuer);
      const flow = {
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
        verifier: oauth.generateRandomCodeVerifier(),
      };
      const asking = {
        client_id: issuer.clientId,
        response_type: "code",
        redirect_uri: redirectUri,
        scope,
        state: flow.state,
        nonce: flow.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: "S256",
        ...(hint !== null && { login_hint: hint }),
      };
      for (const [name, value] of Object.entries(asking)) url.searchParams.set(name, value);
      return { url: url.href, flow };
    },
    async finish(issuer, asking) {
      const server = await discover(terms, issuer);
      return exchange(terms, { issuer, server, ...asking }).catch((cause: unknown) => {
        throw refuse(cause, "sign_in_failed");
      });
    },
    async probe(issuer) {
      const server = await discover(terms, issuer);
      readEndpoint(server, "authorization_endpoint", issuer);
      readEndpoint(server, "token_endpoint", issuer);
      await readKeys(readEndpoint(server, "jwks_uri", issuer).href, reach(terms, issuer));
    },
  };
}

interface CodeExchange {
  issuer: Issuer;
  server: oauth.AuthorizationServer;
  redirectUri: string;
  query: string;
  flow: { state: string; nonce: string; verifier: string };
}

async function exchange(terms: OidcTerms, given: CodeExchange): Promise<OidcClaims> {
  const { issuer, server, redirectUri, query, flow } = given;
  const client: oauth.Client = { client_id: issuer.clientId, [oauth.clockTolerance]: clockToleranceSeconds };
  const options = fetchOptions(terms, issuer);
  const answered = oauth.validateAuthResponse(server, client, new URLSearchParams(query), flow.state);
  const auth = chooseAuth(server, issuer.secret);
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    auth,
    answered,
    redirectUri,
    flow.verifier,
    options,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
    expectedNonce: flow.nonce,
    requireIdToken: true,
  });
  // The token came over a connection that only the issuer could answer; it has to be signed by the issuer all the same.
  await oauth.validateApplicationLevelSignature(server, answer, options);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (!claims) throw new Refusal("sign_in_failed");
  const isWhole = typeof claims["email"] === "string" || !server.userinfo_endpoint;
  const more = isWhole
    ? claims
    : await oauth.processUserInfoResponse(
        server,
        client,
        claims.sub,
        await oauth.userInfoRequest(server, client, tokens.access_token, options),
      );
  return readClaims(claims.sub, more);
}

/** Of `email_verified` only `true` is one: an issuer that writes it as a text has to be told so, not believed. */
function readClaims(subject: string, claims: Record<string, unknown>): OidcClaims {
  const { email, name } = claims;
  return {
    subject,
    email: typeof email === "string" ? email : "",
    isVerified: claims["email_verified"] === true,
    name: typeof name === "string" ? name : "",
  };
}

async function discover(terms: OidcTerms, issuer: Issuer): Promise<oauth.AuthorizationServer> {
  try {
    const url = new URL(issuer.url);
    const answer = await oauth.discoveryRequest(url, fetchOptions(terms, issuer));
    return await oauth.processDiscoveryResponse(url, answer);
  } catch (cause) {
    throw refuse(cause, "bad_gateway");
  }
}

/** What the library's requests take. It refuses http by itself; the guard does where that matters. */
function fetchOptions(terms: OidcTerms, issuer: Issuer) {
  return { [oauth.customFetch]: reach(terms, issuer), [oauth.allowInsecureRequests]: true };
}

const reach = ({ fetch, guard }: OidcTerms, { isGuarded }: Issuer) =>
  guardFetch({ fetch, guard: isGuarded ? guard : null });

/** In the body, where the issuer takes it there: in the header it is encoded once more, which not all undo. */
function chooseAuth(server: oauth.AuthorizationServer, secret: string): oauth.ClientAuth {
  const isByBody = server.token_endpoint_auth_methods_supported?.includes("client_secret_post") === true;
  return isByBody ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret);
}

/** An address of the issuer's metadata, as safe as the issuer's own. A browser is sent to one: it is a web address. */
function readEndpoint(
  server: oauth.AuthorizationServer,
  name: "authorization_endpoint" | "token_endpoint" | "jwks_uri",
  { url: issuer }: Issuer,
): URL {
  const url = URL.parse(server[name] ?? "");
  if (url && (url.protocol === "https:" || (url.protocol === "http:" && issuer.startsWith("http:")))) return url;
  throw new Refusal("bad_gateway", {
    message: `The company login's metadata has no good ${name}.`,
    mayRetry: false,
    log: `issuer: ${name}`,
  });
}

async function readKeys(url: string, fetchGuarded: ReturnType<typeof guardFetch>): Promise<void> {
  try {
    const answer = await fetchGuarded(url, { method: "GET", headers: { accept: "application/json" } });
    const { keys } = (await answer.json()) as { keys?: unknown };
    if (Array.isArray(keys) && keys.length > 0) return;
  } catch (cause) {
    throw refuse(cause, "bad_gateway");
  }
  throw new Refusal("bad_gateway", { message: "The company login publishes no keys.", log: "issuer: no keys" });
}

/** What went wrong at an issuer, in words of ours: the log has the library's code for it. */
function refuse(cause: unknown, code: "sign_in_failed" | "bad_gateway"): Refusal {
  if (cause instanceof Refusal) return cause;
  if (cause instanceof OutOfReach)
    return new Refusal("bad_gateway", {
      message: "The company login is out of reach. Try again.",
      log: "issuer",
      cause,
    });
  if (cause instanceof BadTarget)
    return new Refusal("bad_gateway", {
      message: `The company login's address may not be asked: ${cause.message}`,
      mayRetry: false,
      log: "issuer: target",
    });
  return new Refusal(code, {
    ...(code === "bad_gateway" && { message: "The company login's metadata is not right.", mayRetry: false }),
    log: `issuer: ${readCode(cause)}`,
  });
}

function readCode(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return /^OAUTH_[A-Z_]{1,60}$/.test(code) ? code : cause instanceof Error ? cause.name : "unknown";
}
