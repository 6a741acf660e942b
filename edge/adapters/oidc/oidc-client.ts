import type { OidcClient } from "../../control/sign-in/port.ts";
import type { OidcTerms } from "./relying-party.ts";

/**
 * Signs in by OpenID Connect with `oauth4webapi`: code flow with PKCE, state and nonce; issuer, audience, times and
 * signature of the ID token are checked. All that is fetched goes through a fetch of ours, which for issuers of orgs is
 * guarded. The library is loaded with the first step that anybody takes.
 */
export function openOidcClient(terms: OidcTerms): OidcClient {
  const load = async () => (await import("./relying-party.ts")).openRelyingParty(terms);
  return {
    start: async (issuer, asking) => (await load()).start(issuer, asking),
    finish: async (issuer, asking) => (await load()).finish(issuer, asking),
    probe: async (issuer) => (await load()).probe(issuer),
  };
}
