import { expect, test, vi } from "vitest";
import { openPrices, type PriceReader } from "#edge/admission/prices.ts";
import type { PriceVersion } from "#edge/agreements/prices/price.ts";
import { visitOf } from "#test/support/fakes/visit.ts";

const price = (micros: number) => ({ promptMicrosPerMTok: micros, completionMicrosPerMTok: micros });
const model = { id: "m", prices: { shared: price(1), complex: price(2) } };
const startMs = visitOf().nowMs;
const version = (fromMs: number, micros: number): PriceVersion => ({
  model: "m",
  tier: "shared",
  fromMs,
  price: price(micros),
});

const open = (read: PriceReader) => {
  const visit = visitOf();
  const pending: Promise<unknown>[] = [];
  visit.afterwards = (work) => void pending.push(work);
  const prices = openPrices(read);
  return {
    visit,
    prices,
    settle: () => Promise.all(pending.splice(0)),
    find: () => prices.find(visit, model, "shared"),
  };
};

test("the first call waits for the snapshot, all others take it as it is and never read", async () => {
  const read = vi.fn<PriceReader>(async () => [version(0, 7)]);
  const { visit, prices, find, settle } = open(read);
  expect(await find()).toEqual(price(7));
  await settle();
  for (let ms = 0; ms < 29_000; ms += 1_000) {
    visit.nowMs = startMs + ms;
    expect(find()).toEqual(price(7));
  }
  expect(read).toHaveBeenCalledTimes(1);
  expect(prices.find(visit, model, "complex")).toEqual(price(2));
  expect(prices.show([model], visit.nowMs)).toEqual([{ ...model, prices: { shared: price(7), complex: price(2) } }]);
});

test("every 30 s it is read anew beside one call, which does not wait", async () => {
  let micros = 7;
  const read = vi.fn<PriceReader>(async () => [version(0, micros++)]);
  const { visit, find, settle } = open(read);
  await find();
  await settle();
  visit.nowMs += 30_000;
  expect([find(), find()]).toEqual([price(7), price(7)]);
  await settle();
  expect(read).toHaveBeenCalledTimes(2);
  expect(find()).toEqual(price(8));
});

test("a version to come is in force at its moment, without another look", async () => {
  const { visit, find, settle } = open(async () => [version(0, 7), version(startMs + 10_000, 9)]);
  await find();
  await settle();
  visit.nowMs = startMs + 9_999;
  expect(find()).toEqual(price(7));
  visit.nowMs = startMs + 10_000;
  expect(find()).toEqual(price(9));
});

test("where prices cannot be read the last hold, or MODELS, and it is tried again in 5 s", async () => {
  let isDown = true;
  const read = vi.fn<PriceReader>(async () => {
    if (isDown) throw new Error("D1 is down");
    return [version(0, 7)];
  });
  const { visit, find, settle } = open(read);
  expect(await find()).toEqual(price(1));
  expect(visit.logged).toMatchObject([{ event: "prices_unreadable" }]);
  await settle();
  isDown = false;
  visit.nowMs += 4_999;
  expect(await find()).toEqual(price(1));
  expect(read).toHaveBeenCalledTimes(1);
  visit.nowMs += 1;
  expect(await find()).toEqual(price(7));
  isDown = true;
  visit.nowMs += 5 * 60_000;
  expect(find()).toEqual(price(7));
  await settle();
  expect(find()).toEqual(price(7));
});

test("a call waits half a second at most, and again after a long pause", async () => {
  vi.useFakeTimers();
  try {
    const read = vi.fn<PriceReader>(() => new Promise(() => undefined));
    const { visit, find } = open(read);
    const first = find();
    await vi.advanceTimersByTimeAsync(499);
    expect(await Promise.race([first, Promise.resolve("waits")])).toBe("waits");
    await vi.advanceTimersByTimeAsync(1);
    expect(await first).toEqual(price(1));
    visit.nowMs += 5_000;
    const second = find();
    await vi.advanceTimersByTimeAsync(500);
    expect(await second).toEqual(price(1));
    expect(read).toHaveBeenCalledTimes(2);
  } finally {
    vi.useRealTimers();
  }
});
