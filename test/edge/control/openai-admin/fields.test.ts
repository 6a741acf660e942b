import { expect, test } from "vitest";
import {
  Cents,
  describeDeleted,
  ExpiresIn,
  readExpiry,
  refuseCurrency,
  toCents,
  toMicros,
  toSeconds,
  toSecondsOrNull,
} from "#edge/control/openai-admin/fields.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

test("moments are whole Unix seconds, which never lie ahead", () => {
  expect([toSeconds(1_999), toSeconds(2_000), toSecondsOrNull(null), toSecondsOrNull(999)]).toEqual([1, 2, null, 0]);
});

test("an end is reckoned from now; null is never, and nothing is left as it is", () => {
  expect([readExpiry(60, 1_000), readExpiry(null, 1_000), readExpiry(undefined, 1_000)]).toEqual([
    61_000,
    null,
    undefined,
  ]);
  for (const bad of [0, -1, 0.5, "60", 1e12]) expect([bad, ExpiresIn.safeParse(bad).success]).toEqual([bad, false]);
});

test("amounts go from hundredths of the currency to millionths and back, exactly", () => {
  for (const cents of [1, 99, 12_345, 900_719_925_474]) expect(toCents(toMicros(cents))).toBe(cents);
  expect(toCents(12_345)).toBe(1.2345);
  for (const bad of [0, -1, 1.5, 1e12]) expect([bad, Cents.safeParse(bad).success]).toEqual([bad, false]);
  expect(Number.isSafeInteger(toMicros(900_719_925_474))).toBe(true);
});

test("another currency is refused, since nothing is converted", async () => {
  expect(() => refuseCurrency("EUR", "EUR")).not.toThrow();
  const { details } = await expectRefusal(async () => refuseCurrency("USD", "EUR"), "invalid_value");
  expect(details).toMatchObject({ param: "currency", message: "currency: Amounts are in EUR here." });
});

test("a deletion names what it deleted", () => {
  const schema = describeDeleted("organization.thing.deleted", "ThingDeleted");
  expect(schema.parse({ object: "organization.thing.deleted", id: "x", deleted: true })).toBeTruthy();
  expect(schema.safeParse({ object: "organization.thing.deleted", id: "x", deleted: false }).success).toBe(false);
});
