import { createServer } from "node:http";
import { Provider, type Configuration } from "oidc-provider";

/** Somebody whom the issuer knows. */
export interface Known {
  sub: string;
  email: string;
  isVerified: boolean;
}

/**
 * An issuer of OpenID Connect in this process: it signs in whoever `current` is, without a page. It sends browsers back
 * to one address, or with a `/` at its end to any below it.
 */
export async function openIssuer(redirectUri: string) {
  const issuer = { current: { sub: "nobody", email: "nobody@issuer.example.test", isVerified: true } as Known };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the issuer has no port");
  const url = `http://127.0.0.1:${address.port}`;
  const client = { id: "penstock", secret: "FAKE-client-secret-FAKE-client-secret" };
  const configuration: Configuration = {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [redirectUri] }],
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ["FAKE-cookie-key"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/finish/${interaction.uid}` },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: issuer.current.email, email_verified: issuer.current.isVerified, name: "Ada" }),
    }),
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: client.id,
        ...(context.oidc.session?.accountId && { accountId: context.oidc.session.accountId }),
      });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  };
  const provider = new Provider(url, configuration);
  if (redirectUri.endsWith("/"))
    provider.Client.prototype.redirectUriAllowed = (uri: string) => uri.startsWith(redirectUri);
  const answer = provider.callback();
  server.on("request", (request, response) => {
    if (!request.url?.startsWith("/finish/")) return void answer(request, response);
    void provider.interactionFinished(request, response, { login: { accountId: issuer.current.sub } });
  });
  return Object.assign(issuer, {
    url,
    client,
    close: () => new Promise((resolve) => void (server.closeAllConnections(), server.close(resolve))),
  });
}

/** Follows an issuer's redirects, as a browser with the issuer's cookies would, until one leads to `home`. */
export async function followHome(url: string, home: string): Promise<string> {
  const cookies = new Map<string, string>();
  let next = url;
  for (let hops = 0; hops < 8; hops++) {
    const answer = await fetch(next, {
      redirect: "manual",
      headers: { cookie: Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ") },
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair = ""] = cookie.split(";");
      cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const location = answer.headers.get("location");
    if (location === null) throw new Error(`the issuer answered ${answer.status}: ${await answer.text()}`);
    next = new URL(location, next).href;
    if (next.startsWith(home)) return next;
  }
  throw new Error("the issuer goes round in circles");
}
