import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { OidcFlows } from "./company/flows.ts";
import type { Tries } from "./tries.ts";

/** What signing in needs, where people can. */
export interface SignInPorts {
  proofs: SignInProofs;
  tries: Tries;
  oidc: OidcClient;
  /** Keeps in a browser what the issuer that it was sent to has to answer. */
  flows: OidcFlows;
  /** The operator's own issuers. */
  issuers: readonly HouseIssuer[];
}

/** One step on the way in, or a change of what a person proves herself by. */
export type SignInStep =
  | { kind: "makeCode"; email: string }
  | { kind: "enterCode"; email: string; code: string; name?: string | undefined }
  | { kind: "enterTotp"; code: string }
  | { kind: "enterBackupCode"; code: string }
  | { kind: "askPasskey" }
  | { kind: "showPasskey"; response: object }
  | ({ kind: "enterByIssuer" } & IssuerProof)
  | { kind: "signOut" }
  | { kind: "offerPasskey" }
  | { kind: "addPasskey"; response: object; name: string }
  | { kind: "addTotp" }
  | { kind: "removeTotp" }
  | { kind: "renewBackupCodes" };

/** What a step came to. `body` is the library's own answer: read it with a schema, pass nothing on as it is. */
export interface SignInOutcome {
  body: unknown;
  /** `Set-Cookie`, one for each. */
  cookies: readonly string[];
  /** The code that was made, of `makeCode`: for the mail, and for nothing else. */
  code: string | null;
}

/** What an issuer has proven, and what the session that it begins may do. */
export interface IssuerProof {
  provider: string;
  subject: string;
  email: string;
  name: string;
  /** The issuer has asked for a second factor. */
  isStrong: boolean;
  /** The org whose company login it is: the session opens that org alone. Null for the operator's. */
  onlyOrg: OrgId | null;
}

/** An issuer of OpenID Connect, as one signs in by it. */
export interface Issuer {
  id: string;
  url: string;
  clientId: string;
  secret: string;
  /** An org has set it, not the operator: so it may lead to the public internet alone. */
  isGuarded: boolean;
}

/** The operator's issuers, which lead to anybody's account, and have a name and a word on the second factor. */
export interface HouseIssuer extends Issuer {
  name: string;
  provesSecondFactor: boolean;
}

/** What an issuer's answer has to fit: kept by the browser that was sent there. */
export interface OidcFlow {
  state: string;
  nonce: string;
  verifier: string;
}

/** Whom an issuer has named. An address that it has not verified proves nothing. */
export interface OidcClaims {
  subject: string;
  email: string;
  isVerified: boolean;
  name: string;
}

/** Speaks with issuers. Refuses with `bad_gateway` one that is out of reach, with `sign_in_failed` a wrong answer. */
export interface OidcClient {
  start(issuer: Issuer, asking: { redirectUri: string; hint: string | null }): Promise<{ url: string; flow: OidcFlow }>;
  finish(issuer: Issuer, asking: { redirectUri: string; query: string; flow: OidcFlow }): Promise<OidcClaims>;
  /** Reads metadata and keys; refuses where they are not as they must be. */
  probe(issuer: Issuer): Promise<void>;
}

/** Proves who people are. Each step refuses with a `Refusal`; what is wrong with a proof, a caller is not told. */
export interface SignInProofs {
  take(step: SignInStep, asking: ProofAsking): Promise<SignInOutcome>;
}

/** Who asks: the request that carries the cookies, and the address under which people reach us. */
export interface ProofAsking {
  request: Request;
  origin: string;
  nowMs: number;
  log(event: string, facts: Record<string, string>): void;
}
