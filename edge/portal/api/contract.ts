/**
 * What the control API will answer where `/openapi.json` does not say it yet. A path that the document has takes over
 * by itself (client.ts); this file goes when it has all of them.
 */

interface Json<Body> {
  content: { "application/json": Body };
}

interface Answers<Answer, Path = OrgParam, Query = Record<never, never>> {
  parameters: { query?: Query } & (keyof Path extends never ? { path?: never } : { path: Path });
  responses: { 200: Json<Answer>; default: Json<{ error: Record<string, unknown> }> };
}

type Sends<Body> = { requestBody: Json<Body> };

interface OrgParam {
  org: string;
}

interface PageQuery {
  limit?: number;
  cursor?: string;
}

interface Span {
  from?: string;
  to?: string;
}

/** What a member is in an org. */
export type RoleName = "owner" | "admin" | "developer" | "billing" | "viewer";

/** A person in an org. */
export interface MemberView {
  user: string;
  name: string;
  email: string;
  role: RoleName;
  hasSecondFactor?: boolean;
  createdAt: string;
}

/** Somebody who was asked to join. */
export interface InvitationView {
  id: string;
  email: string;
  role: RoleName;
  expiresAt: string;
  createdAt: string;
}

/** A part of an org with limits of its own. */
export interface ProjectView {
  id: string;
  name: string;
  limits: Record<string, number | null> | null;
  isArchived: boolean;
  createdAt: string;
}

/** A program that owns keys. */
export interface ServiceAccountView {
  id: string;
  name: string;
  project: string | null;
  createdAt: string;
}

/** A bound on spending in a UTC month; of the org, where it names neither project nor key. */
export interface BudgetView {
  id: string;
  project: string | null;
  key: string | null;
  amountMicros: number;
  sharesPercent: number[];
  isStop: boolean;
  spentMicros: number;
  createdAt: string;
}

interface LatencyView {
  p50: number;
  p95: number;
}

/** What one group used in one span of time. */
export interface SeriesPoint {
  at: string;
  group: string | null;
  calls: number;
  failedCalls: number;
  promptTokens: number;
  completionTokens: number;
  costMicros: number;
  duration: LatencyView | null;
}

/** A version of a model's price. */
export interface PriceView {
  model: string;
  tier: "shared" | "complex";
  from: string | null;
  isInForce: boolean;
  promptMicrosPerMTok: number;
  cachedMicrosPerMTok: number | null;
  completionMicrosPerMTok: number;
}

/** A session of whoever is signed in. */
export interface OwnSession {
  id: string;
  isThis: boolean;
  createdAt: string;
  lastUsedAt: string;
  ip: string | null;
  userAgent: string | null;
}

/** A passkey of whoever is signed in. */
export interface OwnPasskey {
  id: string;
  name: string;
  isSynced: boolean;
  createdAt: string | null;
}

type NoParam = Record<never, never>;

/** What a browser gives of a passkey. */
export type PasskeyAnswer = { id: string; type: "public-key" } & Record<string, unknown>;

type SignInState = { status: "signed_in" | "second_factor_needed" };

type UsageDimension = "model" | "key" | "project" | "member" | "tier" | "endpoint" | "outcome";

/** Paths that the document may not have yet. */
export interface PendingPaths {
  "/control/orgs/{org}/members": {
    get: Answers<{ members: MemberView[]; nextCursor: string | null }, OrgParam, PageQuery>;
  };
  "/control/orgs/{org}/members/{user}": {
    patch: Answers<MemberView, OrgParam & { user: string }> & Sends<{ role: RoleName }>;
    delete: Answers<unknown, OrgParam & { user: string }>;
  };
  "/control/orgs/{org}/invitations": {
    get: Answers<{ invitations: InvitationView[]; nextCursor: string | null }, OrgParam, PageQuery>;
    post: Answers<InvitationView & { token?: string }> & Sends<{ email: string; role: RoleName }>;
  };
  "/control/orgs/{org}/invitations/{invitation}": {
    delete: Answers<unknown, OrgParam & { invitation: string }>;
  };
  "/control/invitations/accept": {
    post: Answers<{ org: string }, Record<never, never>> & Sends<{ token: string }>;
  };
  "/control/orgs/{org}/projects": {
    get: Answers<{ projects: ProjectView[]; nextCursor: string | null }, OrgParam, PageQuery>;
    post: Answers<ProjectView> & Sends<{ name: string }>;
  };
  "/control/orgs/{org}/projects/{project}": {
    patch: Answers<ProjectView, OrgParam & { project: string }> &
      Sends<{ name?: string; isArchived?: boolean; limits?: Record<string, number | null> | null }>;
  };
  "/control/orgs/{org}/service-accounts": {
    get: Answers<{ serviceAccounts: ServiceAccountView[]; nextCursor: string | null }, OrgParam, PageQuery>;
    post: Answers<ServiceAccountView> & Sends<{ name: string; project?: string }>;
  };
  "/control/orgs/{org}/service-accounts/{serviceAccount}": {
    delete: Answers<unknown, OrgParam & { serviceAccount: string }>;
  };
  "/control/orgs": {
    post: Answers<{ id: string; name: string }, NoParam> & Sends<{ name: string }>;
  };
  "/control/orgs/{org}/usage/series": {
    get: Answers<
      { points: SeriesPoint[]; currency: string },
      OrgParam,
      Span & { by: "hour" | "day"; group?: UsageDimension; model?: string; key?: string }
    >;
  };
  "/control/orgs/{org}/costs": {
    get: Answers<
      {
        month: string;
        spentMicros: number;
        forecastMicros: number | null;
        budgets: BudgetView[];
        days: { at: string; calls: number; costMicros: number }[];
        groups: { group: string | null; calls: number; costMicros: number }[];
        currency: string;
      },
      OrgParam,
      { month?: string; group?: UsageDimension }
    >;
  };
  "/control/orgs/{org}/budgets": {
    get: Answers<{ budgets: BudgetView[]; currency: string }>;
    post: Answers<BudgetView> &
      Sends<{ project?: string; key?: string; amountMicros: number; sharesPercent?: number[]; isStop?: boolean }>;
  };
  "/control/orgs/{org}/budgets/{budget}": {
    delete: Answers<unknown, OrgParam & { budget: string }>;
  };
  "/control/prices": {
    get: Answers<{ prices: PriceView[]; currency: string }, NoParam, { model?: string }>;
    post: Answers<PriceView, NoParam> &
      Sends<{
        model: string;
        tier: "shared" | "complex";
        promptMicrosPerMTok: number;
        cachedMicrosPerMTok?: number | null;
        completionMicrosPerMTok: number;
      }>;
  };
  "/auth/ways": {
    get: Answers<
      { code: boolean; passkey: boolean; oidc: { id: string; name: string }[]; isLocalMail: boolean },
      NoParam
    >;
  };
  "/auth/codes": {
    post: Answers<{ isSent: true; localCode: string | null }, NoParam> & Sends<{ email: string }>;
  };
  "/auth/sign-in/code": { post: Answers<SignInState, NoParam> & Sends<{ email: string; code: string }> };
  "/auth/sign-in/totp": { post: Answers<SignInState, NoParam> & Sends<{ code: string }> };
  "/auth/sign-in/backup-code": { post: Answers<SignInState, NoParam> & Sends<{ code: string }> };
  "/auth/sign-in/oidc": {
    post: Answers<{ url: string }, NoParam> & Sends<{ provider: string; next?: string; errorNext?: string }>;
  };
  "/auth/sign-in/passkey/options": { post: Answers<{ challenge: string }, NoParam> & Sends<NoParam> };
  "/auth/sign-in/passkey": { post: Answers<SignInState, NoParam> & Sends<{ credential: PasskeyAnswer }> };
  "/auth/sign-out": { post: Answers<unknown, NoParam> & Sends<NoParam> };
  "/auth/session": {
    get: Answers<{ user: { email: string; name: string }; mfa: { isEnabled: boolean } }, NoParam>;
    patch: Answers<unknown, NoParam> & Sends<{ name: string }>;
  };
  "/auth/sessions": { get: Answers<{ rows: OwnSession[] }, NoParam>; delete: Answers<unknown, NoParam> };
  "/auth/sessions/{session}": { delete: Answers<unknown, { session: string }> };
  "/auth/passkeys": {
    get: Answers<{ rows: OwnPasskey[] }, NoParam>;
    post: Answers<OwnPasskey, NoParam> & Sends<{ credential: PasskeyAnswer; name: string }>;
  };
  "/auth/passkeys/options": { post: Answers<{ challenge: string }, NoParam> & Sends<NoParam> };
  "/auth/passkeys/{passkey}": { delete: Answers<unknown, { passkey: string }> };
  "/auth/second-factor": {
    post: Answers<{ totpUri: string; backupCodes: string[] }, NoParam> & Sends<NoParam>;
    delete: Answers<unknown, NoParam>;
  };
  "/auth/second-factor/confirm": { post: Answers<SignInState, NoParam> & Sends<{ code: string }> };
}
