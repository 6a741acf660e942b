import { createRoute, z } from "@hono/zod-openapi";
import { setBudget, type BudgetStep } from "../../budgets/change-budget.ts";
import type { BudgetSpend } from "../../budgets/queries.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { pageRowsDefault } from "../../http/fields.ts";
import { refuseCurrency, toMicros } from "../fields.ts";
import { afterFields, describeList, refuseAfter, showList } from "../lists.ts";
import { findScopeBudget, moneyScopes, putBudget, readScope, stripBudget, type MoneyScope } from "./budget.ts";
import {
  addShare,
  describeAlertDeleted,
  describeSpendAlert,
  OpenAiSpendAlertBody,
  readShare,
  requireAlert,
  toSpendAlert,
} from "./spend-alert.ts";

const tags = ["openai-admin"];
const whole = 100;
const Query = z.strictObject({ ...afterFields, order: z.enum(["asc", "desc"]).optional() });

/** Of alerts alone, with no limit, the only one is the whole of its budget. */
function planShare(known: BudgetSpend, cents: number, from: number | null): BudgetStep & { share: number } {
  const others = known.shares.filter((share) => share !== from);
  if (others.length === 0 && known.isStop === 0)
    return { amountMicros: toMicros(cents), sharesPercent: [whole], share: whole };
  const share = readShare(cents, known.amountMicros);
  return { sharesPercent: addShare(others, share), share };
}

function describe(scope: MoneyScope) {
  const { path, name, params } = moneyScopes[scope];
  const Alert = describeSpendAlert(scope);
  return {
    all: { path: `${path}/spend_alerts`, tags } as const,
    one: { path: `${path}/spend_alerts/{alert}`, tags } as const,
    name,
    params,
    oneParams: params.extend({ alert: z.string() }),
    Alert,
    responses: { 200: describeJsonAnswer("The alert.", Alert), default: refusalAnswer },
  };
}

/** Makes, lists and shows alerts of an org's or a project's money: shares of its budget that are told. */
function defineAlertReads(scope: MoneyScope) {
  const { all, one, name, params, oneParams, Alert, responses } = describe(scope);
  const list = defineEndpoint(
    "budgets.read",
    createRoute({
      ...all,
      method: "get",
      operationId: `openaiList${name}SpendAlerts`,
      summary: `List spend alerts (${scope}), in OpenAI's form`,
      request: { params, query: Query },
      responses: {
        200: describeJsonAnswer("A page of alerts, by amount.", describeList(Alert, `OpenAi${name}SpendAlertList`)),
        default: refusalAnswer,
      },
    }),
    async (c) => {
      const budget = await findScopeBudget(c, await readScope(c, c.req.valid("param")));
      const { order = "asc", after, limit = pageRowsDefault } = c.req.valid("query");
      const shares = (budget?.shares ?? []).toSorted((a, b) => (order === "asc" ? a - b : b - a));
      const alerts = budget ? shares.map((share) => toSpendAlert(scope, budget, share, c.var.control.currency)) : [];
      const at = after === undefined ? 0 : alerts.findIndex(({ id }) => id === after) + 1;
      if (after !== undefined && at === 0) throw refuseAfter();
      return c.json(showList(alerts.slice(at, at + limit), alerts.length > at + limit), 200);
    },
  );
  const show = defineEndpoint(
    "budgets.read",
    createRoute({
      ...one,
      method: "get",
      operationId: `openaiRetrieve${name}SpendAlert`,
      summary: `Show a spend alert (${scope}), in OpenAI's form`,
      request: { params: oneParams },
      responses,
    }),
    async (c) => {
      const { alert, ...rest } = c.req.valid("param");
      const { budget, share } = requireAlert(alert, await findScopeBudget(c, await readScope(c, rest)));
      return c.json(toSpendAlert(scope, budget, share, c.var.control.currency), 200);
    },
  );
  return { list, show };
}

function defineAlertWrites(scope: MoneyScope) {
  const { all, one, name, params, oneParams, responses } = describe(scope);
  const create = defineEndpoint(
    "budgets.write",
    createRoute({
      ...all,
      method: "post",
      operationId: `openaiCreate${name}SpendAlert`,
      summary: `Create a spend alert (${scope}), in OpenAI's form`,
      request: { params, body: describeJsonBody(OpenAiSpendAlertBody) },
      responses,
    }),
    async (c) => {
      const { currency, threshold_amount: cents } = c.req.valid("json");
      refuseCurrency(currency, c.var.control.currency);
      const draft = { amountMicros: toMicros(cents), sharesPercent: [whole], isStop: false };
      let made = whole;
      const project = await readScope(c, c.req.valid("param"));
      const budget = await putBudget(c, project, draft, (known) => {
        const { share, ...step } = planShare(known, cents, null);
        made = share;
        return step;
      });
      return c.json(toSpendAlert(scope, budget, made, currency), 200);
    },
  );
  const update = defineEndpoint(
    "budgets.write",
    createRoute({
      ...one,
      method: "post",
      operationId: `openaiUpdate${name}SpendAlert`,
      summary: `Move a spend alert (${scope}), in OpenAI's form`,
      request: { params: oneParams, body: describeJsonBody(OpenAiSpendAlertBody) },
      responses,
    }),
    async (c) => {
      const { alert, ...rest } = c.req.valid("param");
      const { currency, threshold_amount: cents } = c.req.valid("json");
      refuseCurrency(currency, c.var.control.currency);
      const { budget: known } = requireAlert(alert, await findScopeBudget(c, await readScope(c, rest)));
      let moved = whole;
      const budget = await setBudget(c, known.id, (now) => {
        const { share, ...step } = planShare(now, cents, requireAlert(alert, now).share);
        moved = share;
        return step;
      });
      return c.json(toSpendAlert(scope, budget, moved, currency), 200);
    },
  );
  return { create, update, drop: defineAlertDrop(scope) };
}

function defineAlertDrop(scope: MoneyScope) {
  const { one, name, oneParams } = describe(scope);
  return defineEndpoint(
    "budgets.write",
    createRoute({
      ...one,
      method: "delete",
      operationId: `openaiDelete${name}SpendAlert`,
      summary: `Delete a spend alert (${scope}), in OpenAI's form`,
      request: { params: oneParams, body: noBody },
      responses: { 200: describeJsonAnswer("It is deleted.", describeAlertDeleted(scope)), default: refusalAnswer },
    }),
    async (c) => {
      const { alert, ...rest } = c.req.valid("param");
      const project = await readScope(c, rest);
      const leave = (now: BudgetSpend) => {
        const { share } = requireAlert(alert, now);
        return { sharesPercent: now.shares.filter((other) => other !== share) };
      };
      await stripBudget(c, project, (known) => leave(requireAlert(alert, known).budget));
      return c.json({ object: `${scope}.spend_alert.deleted` as const, id: alert, deleted: true as const }, 200);
    },
  );
}

/** Alerts of what the org spends in a month. */
export const openAiOrgSpendAlerts = { ...defineAlertReads("organization"), ...defineAlertWrites("organization") };
/** Alerts of what a project spends in a month. */
export const openAiProjectSpendAlerts = { ...defineAlertReads("project"), ...defineAlertWrites("project") };
