import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { findByName } from "../../../agreements/records/model.ts";
import { Refusal } from "../../../errors.ts";
import type { ControlEnv } from "../../http/port.ts";
import { findOwner } from "../../usage/choose.ts";
import { sumRollUps, type Dimension, type RolledUp, type RollUpFilter } from "../../usage/rollup-queries.ts";
import { listField, readList } from "../lists.ts";

/** As many results as one page has at most: what is grouped finer has to be asked in narrower pages. */
const resultsMax = 10_000;

/** What usage can be grouped by, in OpenAI's words, and what that is here. */
export const usageGroups = {
  project_id: "project",
  user_id: "member",
  api_key_id: "key",
  model: "model",
  service_tier: "tier",
} as const satisfies Record<string, Dimension>;

const text = z.string().min(1).max(200);

/** The query fields that choose whose usage. */
export const chosenFields = {
  ...listField("project_ids", text),
  ...listField("user_ids", text),
  ...listField("api_key_ids", text),
};

/** What a page of usage is about. */
interface GroupedUsage {
  query: Record<string, unknown>;
  /** OpenAI's names of what it is grouped by, and what they are here. */
  groups: readonly (readonly [name: string, dimension: Dimension])[];
  models: string[] | undefined;
  endpoints?: readonly string[];
}

/** Sums of one bucket, and of which group they are. */
export type GroupedSums = RolledUp & { named: Readonly<Record<string, string | null>> };

/** The dimensions that a query names under `group_by`; refuses what usage cannot be grouped by. */
export function readGroups<Name extends string>(
  query: Record<string, unknown>,
  known: Readonly<Record<Name, Dimension>>,
): [string, Dimension][] {
  const dimensions = new Map<string, Dimension>(Object.entries<Dimension>(known));
  return [...new Set(readList(query, "group_by"))].map((name) => {
    const dimension = dimensions.get(name);
    if (dimension) return [name, dimension];
    const words = [...dimensions.keys()].join(", ");
    throw new Refusal("invalid_value", { param: "group_by", message: `group_by: One or several of ${words}.` });
  });
}

/** A model by any of its names is the one on the bill; one that is not served any more is taken as it is. */
export function resolveNames(c: Context<ControlEnv>, names: string[] | undefined): string[] | undefined {
  return names?.map((name) => findByName(c.var.control.models, name)?.id ?? name);
}

/** Sums usage by time and by what it is grouped by; who may see their own alone gets that of their keys. */
export async function sumGroups(
  c: Context<ControlEnv>,
  { query, groups, models, endpoints }: GroupedUsage,
  { fromMs, toMs, by }: { fromMs: number; toMs: number; by: "hour" | "day" },
): Promise<GroupedSums[]> {
  const { control, org } = c.var;
  if (fromMs >= toMs) return [];
  const filter: RollUpFilter = {
    org: org.id,
    fromMs,
    toMs,
    endpoint: endpoints,
    model: models,
    project: readList(query, "project_ids"),
    member: readList(query, "user_ids"),
    key: readList(query, "api_key_ids"),
    owner: findOwner(c),
  };
  const group = groups.length === 0 ? null : groups.map(([, dimension]) => dimension);
  const rows = await sumRollUps(control.db, filter, { by, group, limit: resultsMax + 1 });
  if (rows.length > resultsMax)
    throw new Refusal("invalid_value", {
      param: "limit",
      message: `limit: That is more than ${resultsMax} results. Ask for fewer buckets, or group them less.`,
    });
  return rows.map((row) => ({ ...row, named: nameGroups(row.group, groups) }));
}

/** What a row is grouped by, by OpenAI's names; of no project and of nobody it is null. */
function nameGroups(group: string | null, groups: GroupedUsage["groups"]): Record<string, string | null> {
  const values = group === null ? [] : z.array(z.string()).parse(JSON.parse(group));
  return Object.fromEntries(groups.map(([name], at) => [name, values[at] || null]));
}
