import { expect, test } from "vitest";
import { Turns } from "#edge/adapters/durable-object/ledger/group-commit.ts";

/** Longer than the time within which work counts as one rush. */
const apart = () => new Promise((resolve) => setTimeout(resolve, 20));

test("what comes alone is done at once, and is no promise", async () => {
  const turns = new Turns();
  expect(turns.take(() => 1)).toBe(1);
  await apart();
  expect(turns.take(() => 2)).toBe(2);
});

test("what comes in a rush is done in one block, in the order in which it came", async () => {
  const turns = new Turns();
  const done: number[] = [];
  turns.take(() => done.push(0));
  const waiting = [1, 2, 3].map((number) =>
    turns.take(() => (queueMicrotask(() => done.push(-number)), done.push(number))),
  );
  expect(done).toEqual([0]);
  expect(await Promise.all(waiting)).toEqual([2, 3, 4]);
  expect(done.slice(0, 4)).toEqual([0, 1, 2, 3]);
});

test("what fails fails alone", async () => {
  const turns = new Turns();
  const oops = () => {
    throw new RangeError("oops");
  };
  expect(() => turns.take(oops)).toThrow(RangeError);
  const [bad, good] = [turns.take(oops), turns.take(() => "good")];
  await expect(bad).rejects.toThrow(RangeError);
  expect(await good).toBe("good");
});

test("work that comes while the block runs is done in the next", async () => {
  const turns = new Turns();
  turns.take(() => 0);
  const order: string[] = [];
  let late: unknown;
  await turns.take(() => {
    order.push("first");
    late = turns.take(() => order.push("late"));
    order.push("first ends");
  });
  await late;
  expect(order).toEqual(["first", "first ends", "late"]);
});
