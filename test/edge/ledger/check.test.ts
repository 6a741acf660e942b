import * as fc from "fast-check";
import { expect, test } from "vitest";
import { checkRequest, checkHold, checkRecords } from "#edge/ledger/check.ts";
import { makeRequest, freshHold, freshOrg, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();
const hostile = fc.oneof(
  fc.constantFrom(
    Number.NaN,
    Infinity,
    -Infinity,
    -0,
    2 ** 53,
    1e300,
    "",
    "7",
    "1e3",
    "٣",
    "\uFEFF1",
    null,
    undefined,
    true,
    7n,
    Object(7),
    [7],
    {},
  ),
  fc.integer({ max: -1 }),
  fc.double({ noInteger: true }),
  fc.string(),
);

test("a well-formed request passes, up to a billion tokens", () => {
  checkRequest(makeRequest(org));
  checkRequest(makeRequest(org, { promptTokens: 999_999_999, completionTokens: 1, choices: 1 }));
  expect(() => checkRequest(makeRequest(org, { promptTokens: 999_999_999, completionTokens: 1, choices: 2 }))).toThrow(
    "tokens",
  );
  checkRequest(makeRequest(org, { ttlMs: 24 * 3_600_000 }));
  for (const ttlMs of [0, 24 * 3_600_000 + 1])
    expect(() => checkRequest(makeRequest(org, { ttlMs }))).toThrow("'ttlMs'");
});

test.each(["promptTokens", "completionTokens", "choices", "ttlMs"])(
  "an ask whose %s is not a plain non-negative integer is refused",
  (field) => {
    fc.assert(
      fc.property(
        hostile,
        (value) => void expect(() => checkRequest({ ...makeRequest(org), [field]: value })).toThrow(`'${field}'`),
      ),
    );
  },
);

test.each(["promptMicrosPerMTok", "completionMicrosPerMTok"])(
  "a price whose %s is not a plain non-negative integer is refused",
  (field) => {
    fc.assert(
      fc.property(hostile, (value) => {
        const request = makeRequest(org);
        expect(() => checkRequest({ ...request, price: { ...request.price, [field]: value } })).toThrow(
          `'price.${field}'`,
        );
      }),
    );
  },
);

test("money that a double cannot hold exactly is refused", () => {
  const price = { promptMicrosPerMTok: Number.MAX_SAFE_INTEGER, completionMicrosPerMTok: 0 };
  expect(() => checkRequest(makeRequest(org, { price, promptTokens: 2 }))).toThrow("'price'");
  const both = { promptMicrosPerMTok: Number.MAX_SAFE_INTEGER, completionMicrosPerMTok: 1 };
  checkRequest(makeRequest(org, { price: both, promptTokens: 1, completionTokens: 0 }));
  expect(() => checkRequest(makeRequest(org, { price: both, promptTokens: 1, completionTokens: 1 }))).toThrow(
    "'price'",
  );
});

test.each(["promptTokens", "cachedTokens", "completionTokens"])(
  "a record whose %s is not a plain non-negative integer is refused, and its batch with it",
  (field) => {
    const good = makeRecord(org, freshHold());
    checkRecords(org, [good]);
    const named = new RegExp(`^ledger: 'record\\.(${field}|tokens)' is not acceptable$`);
    fc.assert(
      fc.property(
        hostile,
        (value) => void expect(() => checkRecords(org, [good, { ...good, [field]: value }])).toThrow(named),
      ),
    );
  },
);

test("ids of another form, and records of another org, are refused", () => {
  expect(() => checkHold("__proto__")).toThrow("hold");
  expect(() => checkRequest(makeRequest(org, { key: "toString" }))).toThrow("key");
  expect(() => checkRequest(makeRequest(org, { hold: "hold_1" }))).toThrow("hold");
  expect(() => checkRequest(makeRequest("org_1"))).toThrow("org");
  expect(() => checkRecords("org_1", [])).toThrow("'org'");
  expect(() => checkRecords(org, [makeRecord(freshOrg(), freshHold())])).toThrow("record.org");
});

test("an older agent's word for an outcome is taken as today's, so no ledger stores an old one", () => {
  const org = freshOrg();
  const old = { ...makeRecord(org, freshHold()), outcome: "cut" as "cancelled" };
  expect(checkRecords(org, [old])).toEqual([{ ...old, outcome: "cancelled" }]);
});
