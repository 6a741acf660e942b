import { expect, test } from "vitest";
import { encodeRecords, encodeRelease } from "#edge/adapters/upstash/ledger/codec.ts";
import { encodeClosing, encodeTerms, encodeWish } from "#edge/adapters/upstash/ledger/leases.ts";
import type { LeasedTerms } from "#edge/agreements/tokens/lease.ts";
import { freshHold, keyId, makeRecord, projectId } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = "org_0123456789";
const [key, other] = [keyId(org, 1), keyId(org, 2)];
const lease = `lease_${"1".repeat(22)}`;
const terms: LeasedTerms = {
  lease,
  key,
  isKeyBooked: true,
  endpoint: "embeddings",
  model: "a\nb",
  tier: "shared",
  price: { promptMicrosPerMTok: 7, completionMicrosPerMTok: 9 },
  promptTokens: 10,
  completionTokens: 20,
  choices: 3,
  admittedAtMs: 5,
  expiresAtMs: 6,
};

test("a wish is one text; a closing goes in the script's order", () => {
  const wish = { id: lease, calls: 20, tokens: 600, costMicros: 1_000, ttlMs: 500, holdMsMax: 90_000 };
  expect(encodeWish(wish)).toBe(`${lease} 20 600 1000 500 90000`);
  const closing = { lease, attempts: 9, calls: 8, tokens: 7, costMicros: 6 };
  expect(encodeClosing(closing)).toEqual([lease, "9", "8", "7", "6"]);
});

test("terms are the lines of a hold as the script writes it, whose counters may be another key's", () => {
  const hold = freshHold();
  const bill = { hold, org, key, model: "a\nb", tier: "shared", endpoint: "embeddings" };
  const lines = [lease, 6, key, 1, 10, 20, 3, 7, 9, 5, "", JSON.stringify(bill).slice(1, -1), key];
  expect(encodeTerms(org, hold, terms)).toBe(lines.join("\n"));
  const lineage = encodeTerms(org, hold, { ...terms, isKeyBooked: false, lineage: other }).split("\n");
  expect([...lineage.slice(2, 4), lineage.at(-1)]).toEqual([other, "0", key]);
  const project = projectId(org, 1);
  expect(encodeTerms(org, hold, { ...terms, project })).toBe([...lines, "", project].join("\n"));
});

test("they stand at the end of a record, and of what is given back", () => {
  const hold = freshHold();
  const text = encodeTerms(org, hold, terms);
  expect(encodeRecords([{ ...makeRecord(org, hold), leased: terms }]).at(-1)).toBe(text);
  expect(encodeRelease(org, hold, true, terms)).toEqual([hold, "1", text]);
});
