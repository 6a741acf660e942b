import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointTokens } from "#edge/limits.ts";
import { checkBooks, readBill, sumTokens, type Bill, type Tokens } from "#test/support/metering/books.ts";
import { walk, type Made } from "#test/support/metering/caller.ts";
import { openSimulatorStage, type SimulatorStage } from "#test/support/metering/simulator-stage.ts";
import { waysBroken, waysLeft, waysRefused } from "#test/support/metering/ways-left.ts";
import { waysOfDoors } from "#test/support/metering/ways.ts";
import { waysRead } from "#test/support/metering/ways-read.ts";
import { isUngenerated, type Form, type Way } from "#test/support/metering/way.ts";

/**
 * The metering table (M3, Q4): whatever a caller tries, they are billed what was made. "Made" is the simulator's own
 * count for their hold, of tokens whose event it had written whole to its agent; the meter has no part in it.
 */
let stage: SimulatorStage;
beforeAll(async () => void (stage = await openSimulatorStage()));
afterAll(() => stage.close());

/** The bills of all calls, for the sum over the whole stack. */
const bills: Bill[] = [];

/** What an expired hold left out is told by a late record, once. */
const lateMsMax = 5_000;

async function billOf({ org, holds }: Made, way: Way): Promise<{ bill: Bill; made: Tokens }> {
  for (const endMs = Date.now() + lateMsMax; ; await sleep(200)) {
    const bill = await readBill(stage.world, org);
    const mine = new Set([...holds, ...bill.lines.map((line) => String(line.hold))]);
    const made = sumTokens((await Promise.all([...mine].map(stage.listMade))).flatMap((one) => [...one.values()]));
    // `max_tokens` of 0: the engine makes a token, and has no room for it in the answer.
    if (way.unseen !== undefined) made.completionTokens -= way.unseen * mine.size;
    const isSame = bill.promptTokens === made.promptTokens && bill.completionTokens === made.completionTokens;
    if (isSame || way.pays === "checkpoint" || Date.now() > endMs) return { bill, made };
  }
}

async function checkOne(one: Made, way: Way): Promise<void> {
  const { bill, made } = await billOf(one, way);
  bills.push(bill);
  const { promptTokens, completionTokens } = bill;
  if (way.pays === "checkpoint") {
    expect(promptTokens).toBe(made.promptTokens);
    expect(completionTokens).toBeGreaterThan(0);
    expect(completionTokens).toBeLessThanOrEqual(made.completionTokens);
  } else expect({ promptTokens, completionTokens }).toEqual(made);
  await checkBooks(stage.world, one.org, bill, stage.models);
  checkEnds(one, way, bill);
}

function checkEnds(one: Made, way: Way, { lines, promptTokens, completionTokens }: Bill): void {
  const calls = new Set(lines.map(({ hold }) => hold)).size;
  const ends = new Set(lines.map(({ end }) => end));
  if (way.pays === "begun") return expect(calls).toBeLessThanOrEqual(1);
  expect(calls).toBe(way.pays === "nothing" ? 0 : 1);
  if (way.pays === "nothing") {
    const [told] = [way.status].flat();
    const statuses = one.isRefusedLate ? one.statuses.map((status) => (status === 200 ? told : status)) : one.statuses;
    return expect(statuses.toSorted()).toEqual([way.status].flat());
  }
  expect(promptTokens).toBeGreaterThan(0);
  if (way.pays !== "all") return expect(ends).not.toContain("completed");
  expect(ends).toEqual(new Set(["completed"]));
  expect(one.statuses).toContain(200);
  if (!isUngenerated(way.path) && way.body["max_tokens"] !== 0) expect(completionTokens).toBeGreaterThan(0);
  if (one.usage !== null)
    expect(one.usage).toMatchObject({
      prompt_tokens: promptTokens,
      ...(!isUngenerated(way.path) && { completion_tokens: completionTokens }),
    });
}

const cases = (ways: readonly Way[]) =>
  ways.flatMap((way) => way.forms.map((form): [name: string, form: Form, way: Way] => [way.name, form, way]));

describe.concurrent("billed is made:", () => {
  test.each(cases([...waysRead, ...waysLeft, ...waysRefused, ...waysOfDoors]))("%s (%s)", async (_, form, way) => {
    await Promise.all((await walk(stage, way, form)).map((one) => checkOne(one, way)));
  });
});

describe("billed is made when something breaks:", () => {
  test.each(cases(waysBroken))("%s (%s)", async (_, form, way) => {
    for (const one of await walk(stage, way, form)) await checkOne(one, way);
  });
});

test("in the whole stack nothing was made that nobody pays, and nothing is paid that nobody made", async () => {
  const billed = Map.groupBy(
    bills.flatMap(({ lines }) => lines),
    ({ hold }) => String(hold),
  );
  const made = await stage.listMade();
  const differ = [...new Set([...billed.keys(), ...made.keys()])].filter((hold) => {
    const { promptTokens, completionTokens } = sumTokens(billed.get(hold) ?? []);
    const truth = made.get(hold) ?? { promptTokens: 0, completionTokens: 0 };
    const lost = truth.completionTokens - completionTokens;
    return truth.promptTokens !== promptTokens || lost < 0 || lost > checkpointTokens + 200;
  });
  expect(differ).toEqual([]);
  expect(billed.size).toBeGreaterThan(100);
});
