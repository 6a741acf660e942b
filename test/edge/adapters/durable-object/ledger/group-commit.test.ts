import { expect, test } from "vitest";
import { GroupCommit } from "#edge/adapters/durable-object/ledger/group-commit.ts";

/** Longer than the time within which work counts as one rush. */
const apart = () => new Promise((resolve) => setTimeout(resolve, 20));

test("what comes alone is done at once, and is no promise", async () => {
  const groupCommit = new GroupCommit(() => Date.now());
  expect(groupCommit.run(() => 1)).toBe(1);
  await apart();
  expect(groupCommit.run(() => 2)).toBe(2);
});

test("what comes in a rush is done in one block, in the order in which it came", async () => {
  const groupCommit = new GroupCommit(() => Date.now());
  const done: number[] = [];
  groupCommit.run(() => done.push(0));
  const waiting = [1, 2, 3].map((number) =>
    groupCommit.run(() => (queueMicrotask(() => done.push(-number)), done.push(number))),
  );
  expect(done).toEqual([0]);
  expect(await Promise.all(waiting)).toEqual([2, 3, 4]);
  expect(done.slice(0, 4)).toEqual([0, 1, 2, 3]);
});

test("what fails fails alone", async () => {
  const groupCommit = new GroupCommit(() => Date.now());
  const oops = () => {
    throw new RangeError("oops");
  };
  expect(() => groupCommit.run(oops)).toThrow(RangeError);
  const [bad, good] = [groupCommit.run(oops), groupCommit.run(() => "good")];
  await expect(bad).rejects.toThrow(RangeError);
  expect(await good).toBe("good");
});

test("work that comes while the block runs is done in the next", async () => {
  const groupCommit = new GroupCommit(() => Date.now());
  groupCommit.run(() => 0);
  const order: string[] = [];
  let late: unknown;
  await groupCommit.run(() => {
    order.push("first");
    late = groupCommit.run(() => order.push("late"));
    order.push("first ends");
  });
  await late;
  expect(order).toEqual(["first", "first ends", "late"]);
});
