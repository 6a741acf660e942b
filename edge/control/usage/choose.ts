import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { CallEndpoint } from "../../agreements/paths.ts";
import { findByName, Tier } from "../../agreements/records/model.ts";
import { Outcome } from "../../agreements/records/usage.ts";
import { KeyId } from "../../agreements/tokens/ids.ts";
import { Refusal } from "../../errors.ts";
import { QueryInstant } from "../http/fields.ts";
import type { ControlEnv } from "../http/port.ts";
import type { Dimension, RollUpFilter } from "./rollup-queries.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const Value = z.string().min(1).max(200);

/** The query fields that choose roll-ups. `from` is included, `to` is not; a model may go by an alias. */
export const rollUpFields = {
  from: QueryInstant.optional(),
  to: QueryInstant.optional(),
  key: KeyId.optional(),
  model: Value.optional(),
  project: Value.optional(),
  member: Value.optional(),
  tier: Tier.optional(),
  endpoint: CallEndpoint.optional(),
  outcome: z.enum([...Outcome.options, "expired", "adjusted"]).optional(),
};

const Chosen = z.object(rollUpFields);

/** How far a range may reach, and how far back it begins where none is given: at the start of an hour or a day. */
export interface RangeRule {
  unit: "hour" | "day";
  daysDefault: number;
  daysMax: number;
}

/**
 * The roll-ups that a query means: whole hours, so `from` may be a little earlier and `to` later than it was given. Of
 * a member who may see what is their own, those of the keys that they own.
 */
export function chooseRollUps(
  c: Context<ControlEnv>,
  { from, to, model, ...values }: z.infer<typeof Chosen>,
  rule: RangeRule,
): RollUpFilter {
  const { org, control, visit } = c.var;
  const { fromMs, toMs } = readRange({ from, to }, rule, visit.now());
  const id = model && (findByName(control.models, model)?.id ?? model);
  return { org: org.id, ...values, model: id, fromMs, toMs, owner: findOwner(c) };
}

/** Whose keys' calls a principal may see: null is all of the org's. */
export function findOwner(c: Context<ControlEnv>): string | null {
  return c.var.reach === "own" ? c.var.principal.id : null;
}

function readRange(
  query: { from?: number | undefined; to?: number | undefined },
  { unit, daysDefault, daysMax }: RangeRule,
  nowMs: number,
): { fromMs: number; toMs: number } {
  const lastMs = query.to ?? nowMs + 1;
  const toMs = Math.ceil(lastMs / hourMs) * hourMs;
  const unitMs = unit === "hour" ? hourMs : dayMs;
  const usualMs = Math.max(0, Math.floor((lastMs - daysDefault * dayMs) / unitMs) * unitMs);
  const fromMs = query.from === undefined ? usualMs : Math.floor(query.from / hourMs) * hourMs;
  if ((query.from ?? fromMs) >= lastMs)
    throw new Refusal("invalid_value", { param: "from", message: "from: Must be before `to`." });
  if (toMs - fromMs > daysMax * dayMs)
    throw new Refusal("invalid_value", { param: "from", message: `from: At most ${daysMax} days before \`to\`.` });
  return { fromMs, toMs };
}

/** What a group is called in answers: null for no project, and for nobody. */
export function nameGroup(dimension: Dimension | null, group: string | null): string | null {
  return dimension === null || group === "" ? null : group;
}
