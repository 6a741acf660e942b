import * as fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adjustSlide, bookSlide, bucketThatFrees, emptySlide, useOfSlide } from "../../../../edge/admission/windows.ts";
import { ledgerScript } from "../../../../edge/adapters/upstash/script.ts";
import { checkTwin } from "../../../contracts/ledger-twin.ts";
import { isRedisThere, openWorld, type RedisWorld } from "./redis-world.ts";
import { scriptTwin } from "./script-twin.ts";

/** Its first piece, `script-books.ts`, out of the function that it stands in: functions that ask Redis nothing. */
const books = ledgerScript.slice(0, ledgerScript.indexOf("local RECORDS")).replace("local function run()", "");

/** `TWIN_HISTORIES=100000` runs as many as the issue asks for once. */
const histories = Number(process.env["TWIN_HISTORIES"] ?? 2_500);

describe.skipIf(!isRedisThere)("the script", () => {
  let world: RedisWorld;
  let redis: Redis;
  beforeAll(async () => {
    world = await openWorld("everysec");
    redis = new Redis(world.redis.server.port, "127.0.0.1", { stringNumbers: true });
    await redis.script("LOAD", ledgerScript);
  });
  afterAll(async () => {
    redis.disconnect();
    await world.close();
  });

  test("its calendar is that of UTC, leap years and centuries included", async () => {
    const lua = `${books} local told = {} for i, ms in ipairs(ARGV) do told[i] = int(monthOf(tonumber(ms))) .. " " .. int(nextMonthMs(tonumber(ms))) end return told`;
    const days = fc.array(fc.integer({ min: 0, max: Date.UTC(2400, 0, 1) / 86_400_000 }), { minLength: 1_000, maxLength: 1_000 });
    await fc.assert(
      fc.asyncProperty(days, async (days) => {
        const times = days.flatMap((day) => [day * 86_400_000, (day + 1) * 86_400_000 - 1]);
        const expected = times.map((ms) => `${new Date(ms).getUTCFullYear() * 12 + new Date(ms).getUTCMonth()} ${Date.UTC(new Date(ms).getUTCFullYear(), new Date(ms).getUTCMonth() + 1, 1)}`);
        expect(await redis.eval(lua, 0, ...times)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test("its sliding windows are those of the pure ledger, and list no more buckets than count", async () => {
    const lua = `${books} local slide, told = readSlide(""), {}
      for i = 1, #ARGV, 5 do
        local now, bucket, held, settled, amount = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
        if now == bucket then bookSlide(slide, bucket, held, settled) else adjustSlide(slide, bucket, held, settled) end
        slide = readSlide(writeSlide(slide))
        local heldNow, settledNow = useOfSlide(slide, now)
        local count = 0
        for _ in buckets(slide) do count = count + 1 end
        told[#told + 1] = concat({ int(heldNow), int(settledNow), int(bucketThatFrees(slide, now, amount) or -1), int(count) }, " ")
      end return told`;
    const step = fc.record({ gap: fc.oneof(fc.nat(3), fc.nat(70)), back: fc.oneof(fc.constant(0), fc.nat(70)), held: fc.nat(9), settled: fc.nat(9), amount: fc.nat(60) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120, size: "max" }), async (steps) => {
        const slide = emptySlide();
        let now = 1_000;
        const expected = steps.map(({ gap, back, held, settled, amount }) => {
          now += gap;
          if (back === 0) bookSlide(slide, now, held, settled);
          else adjustSlide(slide, now - back, held, settled);
          const use = useOfSlide(slide, now);
          return `${use.held} ${use.settled} ${bucketThatFrees(slide, now, amount) ?? -1} ${slide.at.length}`;
        });
        let at = 1_000;
        const args = steps.flatMap(({ gap, back, held, settled, amount }) => [(at += gap), at - back, held, settled, amount]);
        expect(await redis.eval(lua, 0, ...args)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  test("answers any history as the pure ledger does: every answer, every window, every line of the bill", async () => {
    expect(await checkTwin(scriptTwin(redis, ledgerScript), { numRuns: histories, maxSteps: 60 })).toBeGreaterThan(histories * 30);
  }, 3_600_000);
});
