import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { exportAudit } from "../audit/export-audit.ts";
import { listAudit } from "../audit/list-audit.ts";
import { listEvents } from "../events/list-events.ts";
import { authenticate, reachOrg } from "./access.ts";
import { refuseInvalid, takeBody } from "./body.ts";
import { changeBudget } from "../budgets/change-budget.ts";
import { createBudget } from "../budgets/create-budget.ts";
import { dropBudget } from "../budgets/delete-budget.ts";
import { listBudgets } from "../budgets/list-budgets.ts";
import { showCosts } from "../costs/show-costs.ts";
import { showStatement } from "../costs/show-statement.ts";
import { runOnce } from "./writes/idempotency.ts";
import { addDomain } from "../company-login/add-domain.ts";
import { changeLogin } from "../company-login/change-login.ts";
import { createLogin } from "../company-login/create-login.ts";
import { deleteLogin } from "../company-login/delete-login.ts";
import { probeLogin } from "../company-login/probe-login.ts";
import { proveDomain } from "../company-login/prove-domain.ts";
import { removeDomain } from "../company-login/remove-domain.ts";
import { showLogin } from "../company-login/show-login.ts";
import { changeKey } from "../keys/change-key.ts";
import { createKey } from "../keys/create-key.ts";
import { listKeys } from "../keys/list-keys.ts";
import { revokeKey } from "../keys/revoke-key.ts";
import { rotateKey } from "../keys/rotate-key.ts";
import { showKey } from "../keys/show-key.ts";
import { acceptInvitation } from "../invitations/accept-invitation.ts";
import { createInvitation } from "../invitations/create-invitation.ts";
import { listInvitations } from "../invitations/list-invitations.ts";
import { resendInvitation } from "../invitations/resend-invitation.ts";
import { revokeInvitation } from "../invitations/revoke-invitation.ts";
import { changeMember } from "../members/change-member.ts";
import { leaveOrg } from "../members/leave-org.ts";
import { listMembers } from "../members/list-members.ts";
import { removeMember } from "../members/remove-member.ts";
import { addOperator } from "../operators/add-operator.ts";
import { listOperators } from "../operators/list-operators.ts";
import { removeOperator } from "../operators/remove-operator.ts";
import { bootstrapOperator } from "../orgs/bootstrap-operator.ts";
import { changeOrg } from "../orgs/change-org.ts";
import { closeOrg } from "../orgs/close-org.ts";
import { createOrg } from "../orgs/create-org.ts";
import { moveOrg } from "../orgs/move-org.ts";
import { retainResponses } from "../orgs/retain-responses.ts";
import { listOrgs } from "../orgs/list-orgs.ts";
import { showOrg } from "../orgs/show-org.ts";
import { listModels } from "../models/list-models.ts";
import { listNodes } from "../nodes/list-nodes.ts";
import { changeProject } from "../projects/change-project.ts";
import { createProject } from "../projects/create-project.ts";
import { listProjects } from "../projects/list-projects.ts";
import { showProject } from "../projects/show-project.ts";
import { changeServiceAccount } from "../service-accounts/change-service-account.ts";
import { createServiceAccount } from "../service-accounts/create-service-account.ts";
import { listServiceAccounts } from "../service-accounts/list-service-accounts.ts";
import { removeServiceAccount } from "../service-accounts/remove-service-account.ts";
import type { ControlEnv } from "./port.ts";
import { listPrices } from "../prices/list-prices.ts";
import { setPrice } from "../prices/set-price.ts";
import { showSession } from "../session/show-session.ts";
import { listUsage } from "../usage/list-usage.ts";
import { exportUsage } from "../usage/export-usage.ts";
import { showSeries } from "../usage/series.ts";
import { showCall } from "../usage/show-call.ts";
import { showLedger } from "../usage/show-ledger.ts";
import { summarizeUsage } from "../usage/summarize-usage.ts";
import { changeWebhook } from "../webhooks/change-webhook.ts";
import { createWebhook } from "../webhooks/create-webhook.ts";
import { deleteWebhook } from "../webhooks/delete-webhook.ts";
import { listDeliveries } from "../webhooks/deliveries/list-deliveries.ts";
import { redeliver } from "../webhooks/deliveries/redeliver.ts";
import { showDelivery } from "../webhooks/deliveries/show-delivery.ts";
import { testWebhook } from "../webhooks/deliveries/test-webhook.ts";
import { listWebhooks } from "../webhooks/list-webhooks.ts";
import { rotateWebhook } from "../webhooks/rotate-webhook.ts";
import { showWebhook } from "../webhooks/show-webhook.ts";

/**
 * The control plane's table of contents, mounted at `/control` by a door that sets `visit` and `wiring` and writes
 * thrown Refusals. Everything below `authenticate` needs an admin key or a session, and a role that may; every path
 * that names an org passes `reachOrg`, new endpoints too.
 */
export function createControlRoutes(): OpenAPIHono<ControlEnv> {
  const app = new OpenAPIHono<ControlEnv>({ defaultHook: refuseInvalid });
  app.use(begin, finishWrites);
  app.openapi(...bootstrapOperator);
  app.use(authenticate, takeBody);
  app.use("/orgs/:org/*", reachOrg);
  app.use(runOnce);

  app.openapi(...showSession);
  app.openapi(...listModels);
  app.openapi(...listNodes);
  app.openapi(...listOperators);
  app.openapi(...addOperator);
  app.openapi(...removeOperator);
  app.openapi(...createOrg);
  app.openapi(...listOrgs);
  app.openapi(...showOrg);
  app.openapi(...changeOrg);
  app.openapi(...closeOrg);
  app.openapi(...moveOrg);
  app.openapi(...retainResponses);
  app.openapi(...createKey);
  app.openapi(...listKeys);
  app.openapi(...showKey);
  app.openapi(...changeKey);
  app.openapi(...rotateKey);
  app.openapi(...revokeKey);
  mountPeople(app);
  mountAccounts(app);
  return app;
}

/** An app with the same guards, whose paths name no org: `reach` finds it before anything else is looked at. */
export function openControlApp(reach: MiddlewareHandler<ControlEnv>): OpenAPIHono<ControlEnv> {
  const app = new OpenAPIHono<ControlEnv>({ defaultHook: refuseInvalid });
  app.use(begin, finishWrites, authenticate, takeBody, reach, runOnce);
  return app;
}

/** Who is in an org, and what they have in common. */
function mountPeople(app: OpenAPIHono<ControlEnv>): void {
  app.openapi(...listMembers);
  app.openapi(...changeMember);
  app.openapi(...removeMember);
  app.openapi(...leaveOrg);
  app.openapi(...createInvitation);
  app.openapi(...listInvitations);
  app.openapi(...resendInvitation);
  app.openapi(...revokeInvitation);
  app.openapi(...acceptInvitation);
  app.openapi(...showLogin);
  app.openapi(...createLogin);
  app.openapi(...changeLogin);
  app.openapi(...deleteLogin);
  app.openapi(...probeLogin);
  app.openapi(...addDomain);
  app.openapi(...removeDomain);
  app.openapi(...proveDomain);
  app.openapi(...createProject);
  app.openapi(...listProjects);
  app.openapi(...showProject);
  app.openapi(...changeProject);
  app.openapi(...createServiceAccount);
  app.openapi(...listServiceAccounts);
  app.openapi(...changeServiceAccount);
  app.openapi(...removeServiceAccount);
}

/** What was used, what it cost, what was done, and who hears of it. */
function mountAccounts(app: OpenAPIHono<ControlEnv>): void {
  app.openapi(...showLedger);
  app.openapi(...listUsage);
  app.openapi(...summarizeUsage);
  app.openapi(...showSeries);
  app.openapi(...exportUsage);
  app.openapi(...showCall);
  app.openapi(...showCosts);
  app.openapi(...showStatement);
  app.openapi(...createBudget);
  app.openapi(...listBudgets);
  app.openapi(...changeBudget);
  app.openapi(...dropBudget);
  app.openapi(...listPrices);
  app.openapi(...setPrice);
  app.openapi(...listAudit);
  app.openapi(...exportAudit);
  app.openapi(...createWebhook);
  app.openapi(...listWebhooks);
  app.openapi(...showWebhook);
  app.openapi(...changeWebhook);
  app.openapi(...deleteWebhook);
  app.openapi(...rotateWebhook);
  app.openapi(...testWebhook);
  app.openapi(...listDeliveries);
  app.openapi(...showDelivery);
  app.openapi(...redeliver);
  app.openapi(...listEvents);
}

const begin: MiddlewareHandler<ControlEnv> = async (c, next) => {
  c.set("control", c.var.wiring.control);
  c.header("cache-control", "no-store");
  return next();
};

/** A caller who leaves between the store and the ledger must not leave a change half done. */
const finishWrites: MiddlewareHandler<ControlEnv> = async (c, next) => {
  if (c.req.method === "GET") return next();
  const work = next();
  c.var.visit.afterwards(work);
  return work;
};
