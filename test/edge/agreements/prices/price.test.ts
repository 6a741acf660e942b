import { expect, test } from "vitest";
import { findPrice, type PriceVersion } from "#edge/agreements/prices/price.ts";

const price = (micros: number) => ({ promptMicrosPerMTok: micros, completionMicrosPerMTok: micros });
const model = { id: "m", prices: { shared: price(1), complex: price(2) } };
const versions: PriceVersion[] = [
  { model: "m", tier: "shared", fromMs: 200, price: price(20) },
  { model: "m", tier: "shared", fromMs: 100, price: price(10) },
  { model: "other", tier: "shared", fromMs: 100, price: price(99) },
];

test.each([
  [99, 1],
  [100, 10],
  [199, 10],
  [200, 20],
  [9_999, 20],
])("at %i it is the last version before, or the record's: %i", (atMs, micros) => {
  expect(findPrice(versions, { model, tier: "shared", atMs })).toEqual(price(micros));
  expect(findPrice(versions, { model, tier: "complex", atMs })).toEqual(price(2));
});
