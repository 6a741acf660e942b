import { z } from "@hono/zod-openapi";
import { KeyId, type OrgId } from "../../agreements/tokens/ids.ts";
import { findByName } from "../../agreements/records/model.ts";
import { QueryInstant } from "../http/fields.ts";
import type { ControlPorts } from "../http/port.ts";
import type { UsageFilter } from "./queries.ts";

/** The query fields that choose rows of the bill. `from` is included, `to` is not; a model may go by an alias. */
export const filterFields = {
  from: QueryInstant.optional(),
  to: QueryInstant.optional(),
  key: KeyId.optional(),
  model: z.string().min(1).max(200).optional(),
};

interface Chosen {
  from?: number | undefined;
  to?: number | undefined;
  key?: KeyId | undefined;
  model?: string | undefined;
}

/**
 * The filter that a query means. An alias is asked for as the id that is on the bill; a name that is not served any
 * more is taken as it is, so that old rows are found.
 */
export function readFilter(org: OrgId, query: Chosen, models: ControlPorts["models"]): UsageFilter {
  const { from, to, key, model } = query;
  const id = model && (findByName(models, model)?.id ?? model);
  return { org, fromMs: from, toMs: to, key, model: id };
}
