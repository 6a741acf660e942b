/** One step on the way in, or a change of what a person proves herself by. */
export type SignInStep =
  | { kind: "makeCode"; email: string }
  | { kind: "enterCode"; email: string; code: string; name?: string | undefined }
  | { kind: "enterTotp"; code: string }
  | { kind: "enterBackupCode"; code: string }
  | { kind: "askPasskey" }
  | { kind: "showPasskey"; response: object }
  | { kind: "startOidc"; provider: string; next: string; errorNext: string }
  | { kind: "finishOidc"; provider: string; query: string }
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
  /** Where a browser goes next, of a step that ends so. */
  location: string | null;
  /** The code that was made, of `makeCode`: for the mail, and for nothing else. */
  code: string | null;
}

/** An issuer of OpenID Connect by which people may sign in. */
export interface OidcName {
  id: string;
  name: string;
}

/** Proves who people are. Each step refuses with a `Refusal`; what is wrong with a proof, a caller is not told. */
export interface SignInProofs {
  oidc: readonly OidcName[];
  take(step: SignInStep, asking: ProofAsking): Promise<SignInOutcome>;
}

/** Who asks: the request that carries the cookies, and the address under which people reach us. */
export interface ProofAsking {
  request: Request;
  origin: string;
  nowMs: number;
  log(event: string, facts: Record<string, string>): void;
}
