import { z } from "zod";
import { Endpoint } from "./model.ts";
import { KeyId, OrgId, ProjectId } from "../tokens/ids.ts";
import { KeyLimits } from "./quota.ts";

/** An address range, both ends included, each as 32 hex digits (see ip.ts): text order is address order. */
export const IpRange = z.strictObject({ from: z.string().length(32), to: z.string().length(32) });
export type IpRange = z.infer<typeof IpRange>;

/**
 * What the data plane knows of an inference key. Never the key itself: `digest` is HMAC-SHA-256 of the whole key under
 * the pepper named by `pepperKid`, in hex. `null` for endpoints, models or ipRanges means any. Published from D1; the
 * newest `version` wins.
 */
export const KeyRecord = z.strictObject({
  kind: z.literal("key"),
  id: KeyId,
  org: OrgId,
  digest: z.string().length(64),
  pepperKid: z.string(),
  isRevoked: z.boolean(),
  expiresAtMs: z.int().nullable(),
  endpoints: z.array(Endpoint).nullable(),
  models: z.array(z.string()).nullable(),
  ipRanges: z.array(IpRange).nullable(),
  limits: KeyLimits.nullable(),
  /**
   * The first key of a chain of rotations: all keys of the chain are counted in its windows, and each is checked by its
   * own limits. Absent: the key's own id.
   */
  lineage: KeyId.optional(),
  /** Whose windows count its calls, too, from the moment that this record is in force. Absent: no project's. */
  project: ProjectId.optional(),
  version: z.int().min(1),
});
export type KeyRecord = z.infer<typeof KeyRecord>;
