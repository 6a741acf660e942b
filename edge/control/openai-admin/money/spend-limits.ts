import { createRoute } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { defineEndpoint, describeJsonAnswer, describeJsonBody, noBody, refusalAnswer } from "../../http/endpoint.ts";
import { refuseCurrency, toMicros } from "../fields.ts";
import { findScopeBudget, moneyScopes, putBudget, readScope, stripBudget, type MoneyScope } from "./budget.ts";
import {
  describeLimitDeleted,
  describeSpendLimit,
  keepAlerts,
  OpenAiSpendLimitUpdate,
  toSpendLimit,
} from "./spend-limit.ts";

const tags = ["openai-admin"];

/** Shows, sets and lifts the limit of what an org or a project may spend in a month: a budget that stops calls. */
function defineSpendLimit(scope: MoneyScope) {
  const { path, name, params } = moneyScopes[scope];
  const responses = { 200: describeJsonAnswer("The limit.", describeSpendLimit(scope)), default: refusalAnswer };
  const at = { path: `${path}/spend_limit`, tags } as const;
  const show = defineEndpoint(
    "budgets.read",
    createRoute({
      ...at,
      method: "get",
      operationId: `openaiRetrieve${name}SpendLimit`,
      summary: `Show the month's spend limit (${scope}), in OpenAI's form`,
      request: { params },
      responses,
    }),
    async (c) => {
      const known = await findScopeBudget(c, await readScope(c, c.req.valid("param")));
      if (!known || known.isStop === 0) throw new Refusal("not_found");
      return c.json(toSpendLimit(scope, known, c.var.control.currency), 200);
    },
  );
  const set = defineEndpoint(
    "budgets.write",
    createRoute({
      ...at,
      method: "post",
      operationId: `openaiUpdate${name}SpendLimit`,
      summary: `Set the month's spend limit (${scope}), in OpenAI's form`,
      request: { params, body: describeJsonBody(OpenAiSpendLimitUpdate) },
      responses,
    }),
    async (c) => {
      const { currency, threshold_amount } = c.req.valid("json");
      refuseCurrency(currency, c.var.control.currency);
      const amountMicros = toMicros(threshold_amount);
      const draft = { amountMicros, sharesPercent: [], isStop: true };
      const project = await readScope(c, c.req.valid("param"));
      const budget = await putBudget(c, project, draft, (known) => {
        return { amountMicros, sharesPercent: keepAlerts(known, amountMicros), isStop: true };
      });
      return c.json(toSpendLimit(scope, budget, currency), 200);
    },
  );
  return { show, set, lift: defineLift(scope) };
}

function defineLift(scope: MoneyScope) {
  const { path, name, params } = moneyScopes[scope];
  return defineEndpoint(
    "budgets.write",
    createRoute({
      path: `${path}/spend_limit`,
      tags,
      method: "delete",
      operationId: `openaiDelete${name}SpendLimit`,
      summary: `Lift the month's spend limit (${scope}), in OpenAI's form`,
      request: { params, body: noBody },
      responses: { 200: describeJsonAnswer("It is lifted.", describeLimitDeleted(scope)), default: refusalAnswer },
    }),
    async (c) => {
      await stripBudget(c, await readScope(c, c.req.valid("param")), (known) => {
        if (!known || known.isStop === 0) throw new Refusal("not_found");
        return { isStop: false };
      });
      return c.json({ object: `${scope}.spend_limit.deleted` as const, deleted: true as const }, 200);
    },
  );
}

/** The limit of what the org may spend in a month. */
export const openAiOrgSpendLimit = defineSpendLimit("organization");
/** The limit of what a project may spend in a month. */
export const openAiProjectSpendLimit = defineSpendLimit("project");
