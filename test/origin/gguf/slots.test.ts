import { expect, test } from "vitest";
import { Slots, type Slot } from "#origin/gguf/slots.ts";

const never = new AbortController().signal;
const must = (slot: Slot | null): Slot => {
  if (!slot) throw new Error("no slot");
  return slot;
};

test("a salt finds its own slot again, warm; any other salt takes an unused slot while there is one", async () => {
  const slots = new Slots(2);
  const first = must(await slots.take("a", 0, never));
  expect(first.isWarm).toBe(false);
  slots.release(first);
  const other = must(await slots.take("b", 0, never));
  expect(other).toEqual({ index: 1 - first.index, isWarm: false });
  slots.release(other);
  const again = must(await slots.take("a", 0, never));
  expect(again).toEqual({ index: first.index, isWarm: true });
  slots.release(again);
  const third = must(await slots.take("c", 0, never));
  expect(third.isWarm).toBe(false);
  slots.release(third);
  const evicted = third.index === first.index ? "a" : "b";
  const back = must(await slots.take(evicted, 0, never));
  expect(back.isWarm).toBe(false);
});

test("who comes while all are lent waits, in the order of coming", async () => {
  const slots = new Slots(1);
  const held = must(await slots.take("a", 0, never));
  const order: string[] = [];
  const wait = (name: string) => slots.take(name, 1_000, never).then((slot) => (order.push(name), must(slot)));
  const [second, third] = [wait("b"), wait("a")];
  slots.release(held);
  const b = await second;
  expect([order, b.isWarm]).toEqual([["b"], false]);
  slots.release(b);
  expect((await third).isWarm).toBe(false);
  expect(order).toEqual(["b", "a"]);
});

test("who waits too long or leaves gets none, and none is lost by it", async () => {
  const slots = new Slots(1);
  const held = must(await slots.take("a", 0, never));
  expect(await slots.take("b", 20, never)).toBeNull();
  const leaving = new AbortController();
  const left = slots.take("c", 10_000, leaving.signal);
  leaving.abort();
  expect(await left).toBeNull();
  expect(await slots.take("d", 10_000, leaving.signal)).toBeNull();
  slots.release(held);
  expect(must(await slots.take("a", 0, never)).isWarm).toBe(true);
});
