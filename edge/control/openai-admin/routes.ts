import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ControlEnv } from "../http/port.ts";
import { openControlApp } from "../http/routes.ts";
import { reachOwnOrg } from "../http/access.ts";
import { openAiListAuditLogs } from "./audit/audit-logs.ts";
import {
  openAiShowProjectRetention,
  openAiShowRetention,
  openAiUpdateProjectRetention,
  openAiUpdateRetention,
} from "./data-retention.ts";
import {
  openAiCreateAdminKey,
  openAiDeleteAdminKey,
  openAiListAdminKeys,
  openAiShowAdminKey,
} from "./keys/admin-keys.ts";
import {
  openAiDeleteProjectKey,
  openAiListProjectKeys,
  openAiShowProjectKey,
  openAiUpdateProjectKey,
} from "./keys/project-keys.ts";
import { openAiOrgSpendAlerts, openAiProjectSpendAlerts } from "./money/spend-alerts.ts";
import { openAiOrgSpendLimit, openAiProjectSpendLimit } from "./money/spend-limits.ts";
import { openAiCreateInvite, openAiDeleteInvite, openAiListInvites, openAiShowInvite } from "./people/invites.ts";
import {
  openAiAssignRole,
  openAiListRoles,
  openAiListUserRoles,
  openAiShowRole,
  openAiShowUserRole,
  openAiUnassignRole,
} from "./people/roles.ts";
import { openAiDeleteUser, openAiListUsers, openAiShowUser, openAiUpdateUser } from "./people/users.ts";
import {
  openAiArchiveProject,
  openAiCreateProject,
  openAiListProjects,
  openAiShowProject,
  openAiUpdateProject,
} from "./projects/projects.ts";
import { openAiListRateLimits, openAiUpdateRateLimit } from "./projects/rate-limits.ts";
import {
  openAiCreateServiceAccount,
  openAiCreateServiceAccountKey,
  openAiDeleteServiceAccount,
  openAiListServiceAccounts,
  openAiShowServiceAccount,
  openAiUpdateServiceAccount,
} from "./projects/service-accounts.ts";
import { openAiCosts } from "./usage/costs.ts";
import {
  openAiCompletionsUsage,
  openAiEmbeddingsUsage,
  openAiImagesUsage,
  openAiSpeechesUsage,
  openAiTranscriptionsUsage,
} from "./usage/usages.ts";

/**
 * OpenAI's admin API, mounted at `/v1/organization`: another way to ask the control plane for what it has, in the forms
 * of `client.admin.organization` of OpenAI's SDKs. It has no rule of its own: each endpoint names an action of the same
 * table and calls the functions that `/control` does. The org is the key's own, or the one that the header
 * `OpenAI-Organization` names.
 */
export function createOpenAiAdminRoutes(): OpenAPIHono<ControlEnv> {
  const app = openControlApp(reachOwnOrg);
  mountProjects(app);
  mountPeople(app);
  mountMoney(app);
  app.openapi(...openAiCompletionsUsage);
  app.openapi(...openAiEmbeddingsUsage);
  app.openapi(...openAiImagesUsage);
  app.openapi(...openAiSpeechesUsage);
  app.openapi(...openAiTranscriptionsUsage);
  app.openapi(...openAiCosts);
  app.openapi(...openAiListAuditLogs);
  app.openapi(...openAiShowRetention);
  app.openapi(...openAiUpdateRetention);
  return app;
}

function mountProjects(app: OpenAPIHono<ControlEnv>): void {
  app.openapi(...openAiCreateProject);
  app.openapi(...openAiListProjects);
  app.openapi(...openAiShowProject);
  app.openapi(...openAiUpdateProject);
  app.openapi(...openAiArchiveProject);
  app.openapi(...openAiListRateLimits);
  app.openapi(...openAiUpdateRateLimit);
  app.openapi(...openAiListProjectKeys);
  app.openapi(...openAiShowProjectKey);
  app.openapi(...openAiUpdateProjectKey);
  app.openapi(...openAiDeleteProjectKey);
  app.openapi(...openAiCreateServiceAccount);
  app.openapi(...openAiListServiceAccounts);
  app.openapi(...openAiShowServiceAccount);
  app.openapi(...openAiUpdateServiceAccount);
  app.openapi(...openAiDeleteServiceAccount);
  app.openapi(...openAiCreateServiceAccountKey);
  app.openapi(...openAiShowProjectRetention);
  app.openapi(...openAiUpdateProjectRetention);
}

function mountPeople(app: OpenAPIHono<ControlEnv>): void {
  app.openapi(...openAiListUsers);
  app.openapi(...openAiShowUser);
  app.openapi(...openAiUpdateUser);
  app.openapi(...openAiDeleteUser);
  app.openapi(...openAiListRoles);
  app.openapi(...openAiShowRole);
  app.openapi(...openAiAssignRole);
  app.openapi(...openAiListUserRoles);
  app.openapi(...openAiShowUserRole);
  app.openapi(...openAiUnassignRole);
  app.openapi(...openAiCreateInvite);
  app.openapi(...openAiListInvites);
  app.openapi(...openAiShowInvite);
  app.openapi(...openAiDeleteInvite);
  app.openapi(...openAiCreateAdminKey);
  app.openapi(...openAiListAdminKeys);
  app.openapi(...openAiShowAdminKey);
  app.openapi(...openAiDeleteAdminKey);
}

/** What an org and its projects may spend, and at which amounts somebody hears of it. */
function mountMoney(app: OpenAPIHono<ControlEnv>): void {
  for (const { show, set, lift } of [openAiOrgSpendLimit, openAiProjectSpendLimit]) {
    app.openapi(...show);
    app.openapi(...set);
    app.openapi(...lift);
  }
  for (const { list, show, create, update, drop } of [openAiOrgSpendAlerts, openAiProjectSpendAlerts]) {
    app.openapi(...list);
    app.openapi(...show);
    app.openapi(...create);
    app.openapi(...update);
    app.openapi(...drop);
  }
}
