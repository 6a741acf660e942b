import { expect, it } from "vitest";
import { LimitEvents } from "#edge/control/events/limit-reached.ts";
import { eventTypes } from "#edge/control/events/types.ts";
import type { Denial } from "#edge/ledger/port.ts";
import { openHooks } from "#test/edge/control/webhooks/world.ts";

const { place, ask } = openHooks();

const noon = Date.UTC(2026, 0, 31, 12);
const denial = (over: object = {}): Denial =>
  ({
    kind: "denial",
    reason: "rate",
    window: "requestsPerMinute",
    of: "org",
    limit: 60,
    retryAfterMs: 1_000,
    resetAtMs: noon + 60_000,
    tokensRemaining: null,
    rates: {},
    ...over,
  }) as Denial;
const events = async () => (await ask("GET", "/events?type=limit.reached")).body.events;
function open() {
  const nudged: string[] = [];
  const notes = new LimitEvents(place.world.db, async (org) => void nudged.push(org));
  const note = (over: object = {}, nowMs = noon) =>
    notes.note(denial(over), { org: place.world.a.org, key: place.world.a.keyId, nowMs });
  return { note, nudged };
}
const clear = () => place.world.select("DELETE FROM events WHERE type = 'limit.reached'");

it("is told once a window, however many isolates refuse", async () => {
  await clear();
  const isolates = [open(), open(), open()];
  await Promise.all(isolates.flatMap(({ note }) => [note(), note(), note({}, noon + 59_999)]));
  const told = await events();
  expect(told).toHaveLength(1);
  expect(eventTypes["limit.reached"].data.safeParse(told[0].data).success).toBe(true);
  expect(told[0].data).toMatchObject({ window: "requestsPerMinute", of: "org", limit: 60 });
  expect(isolates.flatMap(({ nudged }) => nudged)).toHaveLength(1);
  await isolates[0]?.note({}, noon + 60_000);
  expect(await events()).toHaveLength(2);
});

it("by a day's and a month's window once a day and a month, and of keys apart from the org", async () => {
  await clear();
  const { note } = open();
  const dayMs = 86_400_000;
  for (const nowMs of [noon, noon + 1, noon + dayMs]) await note({ window: "tokensPerDay", reason: "quota" }, nowMs);
  for (const nowMs of [noon, noon - 20 * dayMs, noon + dayMs]) await note({ window: "tokensPerMonth" }, nowMs);
  await note({ window: "tokensPerDay", of: "key" });
  expect(await events()).toHaveLength(2 + 2 + 1);
});

it("makes no work of what is no window, nor of what this isolate has told", async () => {
  await clear();
  const { note } = open();
  expect(note({ window: "concurrency", reason: "concurrency" })).toBeNull();
  const others = new LimitEvents(place.world.db, async () => undefined);
  const refused = { org: place.world.a.org, key: place.world.a.keyId, nowMs: noon };
  expect(others.note({ kind: "denial", reason: "key" }, refused)).toBeNull();
  const first = note();
  expect(first).not.toBeNull();
  expect(note()).toBeNull();
  await first;
  expect(note()).toBeNull();
});

it("tries a store that failed again, but not with every refusal of a flood", async () => {
  await clear();
  let asked = 0;
  const broken = { ...place.world.db, prepare: () => void asked++ as never };
  const notes = new LimitEvents(broken, async () => undefined);
  const note = (nowMs: number) => notes.note(denial(), { org: place.world.a.org, key: place.world.a.keyId, nowMs });
  await expect(note(noon)).rejects.toThrow();
  for (let ms = 0; ms < 1_000; ms++) expect(note(noon + ms)).toBeNull();
  await expect(note(noon + 10_000)).rejects.toThrow();
  expect(asked).toBe(2);
});
