/**
 * What the control API will answer where `/openapi.json` does not say it yet. A path that the document has takes over
 * by itself (client.ts); this file goes when it has all of them.
 */

interface Json<Body> {
  content: { "application/json": Body };
}

interface Operation<Answer, Path = OrgParam, Query = Record<never, never>> {
  parameters: { query?: Query } & (keyof Path extends never ? { path?: never } : { path: Path });
  responses: { 200: Json<Answer>; default: Json<{ error: Record<string, unknown> }> };
}

type Sends<Body> = { requestBody: Json<Body> };

interface OrgParam {
  org: string;
}

interface Page {
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

/** Where events of an org are sent. */
export interface WebhookView {
  id: string;
  url: string;
  events: string[];
  isEnabled: boolean;
  createdAt: string;
}

/** One try, or several, to hand over an event. */
export interface DeliveryView {
  id: string;
  event: string;
  type: string;
  state: string;
  tries: number;
  status: number | null;
  at: string;
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

type Signed = { status: "signed_in" | "second_factor_needed" };

type Dimension = "model" | "key" | "project" | "member" | "tier" | "endpoint" | "outcome";

/** Paths that the document may not have yet. */
export interface PendingPaths {
  "/control/orgs/{org}/members": {
    get: Operation<{ members: MemberView[]; nextCursor: string | null }, OrgParam, Page>;
  };
  "/control/orgs/{org}/members/{user}": {
    patch: Operation<MemberView, OrgParam & { user: string }> & Sends<{ role: RoleName }>;
    delete: Operation<unknown, OrgParam & { user: string }>;
  };
  "/control/orgs/{org}/invitations": {
    get: Operation<{ invitations: InvitationView[]; nextCursor: string | null }, OrgParam, Page>;
    post: Operation<InvitationView & { token?: string }> & Sends<{ email: string; role: RoleName }>;
  };
  "/control/orgs/{org}/invitations/{invitation}": {
    delete: Operation<unknown, OrgParam & { invitation: string }>;
  };
  "/control/invitations/accept": {
    post: Operation<{ org: string }, Record<never, never>> & Sends<{ token: string }>;
  };
  "/control/orgs/{org}/projects": {
    get: Operation<{ projects: ProjectView[]; nextCursor: string | null }, OrgParam, Page>;
    post: Operation<ProjectView> & Sends<{ name: string }>;
  };
  "/control/orgs/{org}/projects/{project}": {
    patch: Operation<ProjectView, OrgParam & { project: string }> &
      Sends<{ name?: string; isArchived?: boolean; limits?: Record<string, number | null> | null }>;
  };
  "/control/orgs/{org}/service-accounts": {
    get: Operation<{ serviceAccounts: ServiceAccountView[]; nextCursor: string | null }, OrgParam, Page>;
    post: Operation<ServiceAccountView> & Sends<{ name: string; project?: string }>;
  };
  "/control/orgs/{org}/service-accounts/{serviceAccount}": {
    delete: Operation<unknown, OrgParam & { serviceAccount: string }>;
  };
  "/control/orgs": {
    post: Operation<{ id: string; name: string }, NoParam> & Sends<{ name: string }>;
  };
  "/control/orgs/{org}/usage/series": {
    get: Operation<
      { points: SeriesPoint[]; currency: string },
      OrgParam,
      Span & { by: "hour" | "day"; group?: Dimension; model?: string; key?: string }
    >;
  };
  "/control/orgs/{org}/costs": {
    get: Operation<
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
      { month?: string; group?: Dimension }
    >;
  };
  "/control/orgs/{org}/budgets": {
    get: Operation<{ budgets: BudgetView[]; currency: string }>;
    post: Operation<BudgetView> &
      Sends<{ project?: string; key?: string; amountMicros: number; sharesPercent?: number[]; isStop?: boolean }>;
  };
  "/control/orgs/{org}/budgets/{budget}": {
    delete: Operation<unknown, OrgParam & { budget: string }>;
  };
  "/control/prices": {
    get: Operation<{ prices: PriceView[]; currency: string }, NoParam, { model?: string }>;
    post: Operation<PriceView, NoParam> &
      Sends<{
        model: string;
        tier: "shared" | "complex";
        promptMicrosPerMTok: number;
        cachedMicrosPerMTok?: number | null;
        completionMicrosPerMTok: number;
      }>;
  };
  "/control/orgs/{org}/webhooks": {
    get: Operation<{ webhooks: WebhookView[] }>;
    post: Operation<WebhookView & { secret: string }> & Sends<{ url: string; events: string[] }>;
  };
  "/control/orgs/{org}/webhooks/{webhook}": {
    patch: Operation<WebhookView, OrgParam & { webhook: string }> & Sends<{ isEnabled?: boolean; url?: string }>;
    delete: Operation<unknown, OrgParam & { webhook: string }>;
  };
  "/control/orgs/{org}/webhooks/{webhook}/deliveries": {
    get: Operation<{ deliveries: DeliveryView[] }, OrgParam & { webhook: string }>;
  };
  "/control/orgs/{org}/deliveries/{delivery}/redeliver": {
    post: Operation<unknown, OrgParam & { delivery: string }>;
  };
  "/auth/ways": {
    get: Operation<
      { code: boolean; passkey: boolean; oidc: { id: string; name: string }[]; isLocalMail: boolean },
      NoParam
    >;
  };
  "/auth/codes": {
    post: Operation<{ isSent: true; localCode: string | null }, NoParam> & Sends<{ email: string }>;
  };
  "/auth/sign-in/code": { post: Operation<Signed, NoParam> & Sends<{ email: string; code: string }> };
  "/auth/sign-in/totp": { post: Operation<Signed, NoParam> & Sends<{ code: string }> };
  "/auth/sign-in/backup-code": { post: Operation<Signed, NoParam> & Sends<{ code: string }> };
  "/auth/sign-in/oidc": {
    post: Operation<{ url: string }, NoParam> & Sends<{ provider: string; next?: string; errorNext?: string }>;
  };
  "/auth/sign-in/passkey/options": { post: Operation<{ challenge: string }, NoParam> & Sends<NoParam> };
  "/auth/sign-in/passkey": { post: Operation<Signed, NoParam> & Sends<{ credential: PasskeyAnswer }> };
  "/auth/sign-out": { post: Operation<unknown, NoParam> & Sends<NoParam> };
  "/auth/session": {
    get: Operation<{ user: { email: string; name: string }; mfa: { isEnabled: boolean } }, NoParam>;
    patch: Operation<unknown, NoParam> & Sends<{ name: string }>;
  };
  "/auth/sessions": { get: Operation<{ rows: OwnSession[] }, NoParam>; delete: Operation<unknown, NoParam> };
  "/auth/sessions/{session}": { delete: Operation<unknown, { session: string }> };
  "/auth/passkeys": {
    get: Operation<{ rows: OwnPasskey[] }, NoParam>;
    post: Operation<OwnPasskey, NoParam> & Sends<{ credential: PasskeyAnswer; name: string }>;
  };
  "/auth/passkeys/options": { post: Operation<{ challenge: string }, NoParam> & Sends<NoParam> };
  "/auth/passkeys/{passkey}": { delete: Operation<unknown, { passkey: string }> };
  "/auth/second-factor": {
    post: Operation<{ totpUri: string; backupCodes: string[] }, NoParam> & Sends<NoParam>;
    delete: Operation<unknown, NoParam>;
  };
  "/auth/second-factor/confirm": { post: Operation<Signed, NoParam> & Sends<{ code: string }> };
}
