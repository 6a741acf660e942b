import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isLeaseId, LeasedTerms, LeaseId, readLeasedTerms } from "#edge/agreements/tokens/lease.ts";
import { leasedTerms } from "#test/support/fakes/leased-terms.ts";

const terms: LeasedTerms = { ...leasedTerms, lineage: `key_${"2".repeat(16)}`, project: `proj_${"3".repeat(22)}` };
const members = fc.constantFrom(...Object.keys(terms), "unknown", "__proto__", "price2");
const values = fc.oneof(
  fc.constantFrom<unknown>(0, -0, -1, 1.5, Number.NaN, 2 ** 53, "1", "", null, undefined, true, [], {}, "complex"),
  fc.constantFrom<unknown>(
    terms.lease,
    terms.key,
    terms.project,
    "embeddings",
    { ...terms.price, more: 1 },
    { promptMicrosPerMTok: 1 },
  ),
  fc.anything(),
);

test("terms are read by hand as by the schema, whatever is wrong with them", () => {
  let right = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(members, values), { maxLength: 2 }), (changes) => {
      const changed: Record<string, unknown> = { ...terms };
      for (const [name, value] of changes)
        Object.defineProperty(changed, name, { value, enumerable: true, configurable: true });
      // An optional member that is undefined is one that is not there.
      const { data } = LeasedTerms.safeParse(changed);
      expect(readLeasedTerms(changed)).toEqual(data ?? null);
      if (data) right++;
    }),
    { numRuns: 3_000 },
  );
  expect(right).toBeGreaterThan(100);
});

test("so is the price in them", () => {
  const micros = fc.oneof(
    fc.constantFrom<unknown>(0, -0, -1, 0.5, 1_000_000_000, 1_000_000_001, 2 ** 53, "1", null, undefined, [], {}),
    fc.nat(2_000_000_000),
    fc.anything(),
  );
  const named = fc.dictionary(fc.constantFrom("promptMicrosPerMTok", "completionMicrosPerMTok"), micros);
  const more = fc.dictionary(fc.constantFrom("more", "PromptMicrosPerMTok", "length", "toString"), micros, {
    maxKeys: 1,
  });
  const texts = fc.tuple(named, fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: more }));
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(texts, ([prices, others]) => {
      const changed: unknown = { ...terms, price: { ...prices, ...others } };
      const { success } = LeasedTerms.safeParse(changed);
      expect(readLeasedTerms(changed) !== null).toBe(success);
      verdicts.add(success);
    }),
    { numRuns: 3_000 },
  );
  expect(verdicts.size).toBe(2);
});

test("nothing but an object has terms", () => {
  expect(["terms", 7, null, undefined, []].map(readLeasedTerms)).toEqual([null, null, null, null, null]);
});

test("a lease's id is told from anything else as by its schema", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^lease_[0-9A-Za-z]{21,23}$/), fc.anything()), (text) => {
      expect(isLeaseId(text)).toBe(LeaseId.safeParse(text).success);
    }),
  );
});
