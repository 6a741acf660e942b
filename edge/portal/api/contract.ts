/**
 * What the control API will answer where `/openapi.json` does not say it yet. A path that the document has takes over
 * by itself (client.ts); this file goes when it has all of them.
 */

interface Json<Body> {
  content: { "application/json": Body };
}

interface Operation<Answer, Path = OrgParam, Query = Record<never, never>> {
  parameters: { path: Path; query?: Query };
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

/** What happened in an org, by whom. */
export interface AuditEntryView {
  seq: number;
  at: string;
  actor: { kind: string; id: string; name: string; ip?: string | null };
  action: string;
  target: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  request: string | null;
  hash: string;
}

/** A bound on spending in a month. */
export interface BudgetView {
  id: string;
  of: string;
  amountMicros: number;
  alertPercents: number[];
  stops: boolean;
  spentMicros?: number;
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

/** What one group used in one span of time. */
export interface SeriesPoint {
  at: string;
  group: string;
  calls: number;
  errors?: number;
  promptTokens: number;
  completionTokens: number;
  costMicros: number;
  durationMs?: { p50: number; p95: number } | null;
}

/** Prices of a model from a moment on. */
export interface PriceView {
  model: string;
  tier: string;
  promptMicrosPerMTok: number;
  cachedMicrosPerMTok?: number;
  completionMicrosPerMTok: number;
  from: string;
}

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
  "/control/orgs/{org}/audit": {
    get: Operation<
      { entries: AuditEntryView[]; nextCursor: string | null },
      OrgParam,
      Page & Span & { actor?: string; action?: string; target?: string }
    >;
  };
  "/control/orgs/{org}/usage/series": {
    get: Operation<
      { points: SeriesPoint[]; currency: string },
      OrgParam,
      Span & { by: "hour" | "day"; group: string; model?: string; key?: string }
    >;
  };
  "/control/orgs/{org}/costs": {
    get: Operation<
      {
        month: string;
        spentMicros: number;
        forecastMicros: number | null;
        budgetMicros: number | null;
        groups: { group: string; costMicros: number }[];
        currency: string;
      },
      OrgParam,
      { month?: string; group?: string }
    >;
  };
  "/control/orgs/{org}/budgets": {
    get: Operation<{ budgets: BudgetView[] }>;
    post: Operation<BudgetView> & Sends<Omit<BudgetView, "id" | "spentMicros">>;
  };
  "/control/orgs/{org}/budgets/{budget}": {
    patch: Operation<BudgetView, OrgParam & { budget: string }> & Sends<Partial<Omit<BudgetView, "id">>>;
    delete: Operation<unknown, OrgParam & { budget: string }>;
  };
  "/control/prices": {
    get: Operation<{ prices: PriceView[]; currency: string }, Record<never, never>, { model?: string }>;
    post: Operation<PriceView, Record<never, never>> & Sends<PriceView>;
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
}
