import { expect, test } from "vitest";
import { idempotencyKeyCharsMax } from "#edge/limits.ts";
import { readIdempotency } from "#edge/protocol/openai/idempotency.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const body = new TextEncoder().encode("{}");
const read = (key: string, address = "chat.completions", bytes = body) =>
  readIdempotency(new Headers({ "idempotency-key": key }), address, bytes);

test("a call without the header has none", () => {
  expect(readIdempotency(new Headers(), "chat.completions", body)).toBeNull();
});

test("key and body are digests: the same for the same bytes at one address, and no part of either is kept", () => {
  const first = read("order-1");
  expect(first?.key).toMatch(/^[0-9a-f]{64}$/);
  expect(read("order-1")).toEqual(first);
  expect(read("order-2")).toEqual({ key: expect.not.stringContaining("order"), body: first?.body });
  expect(read("order-1", "completions")?.body).not.toBe(first?.body);
  expect(read("order-1", "chat.completions", new TextEncoder().encode("{ }"))?.body).not.toBe(first?.body);
});

test("a key of the wrong length is refused by the header's name", async () => {
  expect(read("k".repeat(idempotencyKeyCharsMax))).not.toBeNull();
  for (const key of ["", "k".repeat(idempotencyKeyCharsMax + 1)])
    await expectRefusal(() => read(key), "invalid_value", "Idempotency-Key");
});
