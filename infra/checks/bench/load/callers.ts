import { randomBytes } from "node:crypto";
import type { HoldRequest } from "#edge/ledger/port.ts";
import type { KeyId, OrgId } from "#edge/agreements/tokens/ids.ts";
import { mintOrgId } from "#edge/agreements/tokens/placement.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import { computeDigests, mintKey, type Keyring } from "#edge/agreements/tokens/key-format.ts";
import type { OrgRecord } from "#edge/agreements/records/org.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";

/** One org of the bench with its only key, and the records that bring both into force. */
export interface Caller {
  org: OrgId;
  key: KeyId;
  text: string;
  digests: { kid: string; digest: string }[];
  records: [OrgRecord, KeyRecord];
}

/** Nothing is limited, so nothing is refused; every window is counted all the same. */
const noLimits: Limits = {
  requestsPerMinute: null,
  requestsPerHour: null,
  concurrency: null,
  tokensPerMinute: null,
  requestsPerDay: null,
  tokensPerDay: null,
  tokensPerMonth: null,
  costMicrosPerMonth: null,
};

const random = (bytes: number) => new Uint8Array(randomBytes(bytes));

/** A new org on plan enterprise, kept in a shard as new orgs are, with no other limits than these. */
export async function makeCaller(keyring: Keyring, limits: Partial<Limits> = {}): Promise<Caller> {
  const org = mintOrgId("shards", random);
  const { id, text, digest, pepperKid } = await mintKey("inference", org, keyring, random);
  const keyRest = {
    digest,
    pepperKid,
    isRevoked: false,
    expiresAtMs: null,
    endpoints: null,
    models: null,
    ipRanges: null,
    limits: null,
  };
  return {
    org,
    key: id,
    text,
    digests: await computeDigests(text, keyring),
    records: [
      { kind: "org", id: org, plan: "enterprise", isSuspended: false, limits: { ...noLimits, ...limits }, version: 1 },
      { kind: "key", id, org, ...keyRest, version: 1 },
    ],
  };
}

/** What a call of this caller would reserve. */
export function makeReservation({ org, key, digests }: Caller): Omit<HoldRequest, "hold"> {
  const price = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
  const sizes = {
    promptTokens: 300,
    completionTokens: 100,
    choices: 1,
    mayClamp: false,
    ttlMs: 930_000,
    idempotency: null,
  };
  return {
    org,
    key,
    digests,
    ip: null,
    endpoint: "chat.completions",
    model: "Qwen/Qwen2.5-7B-Instruct",
    tier: "shared",
    price,
    ...sizes,
  };
}

/** A key of the right form and checksum from another deployment: only its tag gives it away. */
export async function forgeKey(foreign: Keyring): Promise<string> {
  return (await makeCaller(foreign)).text;
}
