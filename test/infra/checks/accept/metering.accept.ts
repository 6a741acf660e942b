import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { makeModelRecords, probeEngine } from "#infra/local/engine/real-engine.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { checkBooks, readBill, type Tokens } from "#test/support/metering/books.ts";
import { walk, type Stage } from "#test/support/metering/caller.ts";
import { waysBroken, waysLeft, waysRefused } from "#test/support/metering/ways-left.ts";
import { waysRead } from "#test/support/metering/ways-read.ts";
import { embeddingsPath, sightModel, type Form, type Way } from "#test/support/metering/way.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { worldAt } from "#test/support/stack/world.ts";
import {
  chatEngines,
  note,
  overEngines,
  realEngines,
  untilBusy,
  untilIdle,
  workDone,
  type RealEngine,
} from "./engines.ts";

/**
 * The metering table over real vLLM, one call at a time, so that what an engine's own counters say is that call's. Left
 * out is what no engine here does: pictures, reasoning, and breaking on demand; what dies is in deaths.accept.ts.
 */
const embedEngine = realEngines().find(({ kind }) => kind === "embed");

interface RealStage extends Stage {
  engines: RealEngine[];
  models: ModelRecord[];
}

const fail = () => {
  throw new Error("a real engine does not break on demand");
};

/** An engine's counters know no calls: what it has made since the org was made is the call's. */
function stageOver(world: Stage["world"], engines: RealEngine[], models: ModelRecord[]): RealStage {
  let before = 0;
  return {
    world: {
      ...world,
      async newOrg(limits) {
        before = (await workDone(engines)).generated;
        return world.newOrg(limits);
      },
    },
    engines,
    models,
    async untilSent(_, tokens) {
      if (tokens === 0) return untilBusy();
      for (const endMs = Date.now() + 20_000; Date.now() < endMs; await sleep(20))
        if ((await workDone(engines)).generated - before >= tokens) return;
      throw new Error(`vLLM has not made ${tokens} tokens`);
    },
    breakage: fail,
  };
}

let chat: RealStage;
let embed: RealStage | null = null;
let embedStack: OwnStack | null = null;
/** Tokens that an engine makes in a second, for one sequence: what may have been made behind the last that was sent. */
let tokensASecond = 0;

beforeAll(async () => {
  const { models } = await overEngines(chatEngines());
  chat = stageOver(worldAt(inject("place")), chatEngines(), models);
  if (embedEngine) {
    const { engine: spec, found } = await probeEngine(embedEngine.url);
    const [first] = makeModelRecords(found.slice(0, 1));
    const model: ModelRecord = { ...first!, aliases: ["embed"], endpoints: ["embeddings"], completionTokensDefault: 1 };
    embedStack = await openOwnStack({
      engines: [{ ...spec, models: { [model.id]: model.id } }],
      models: [model],
    });
    embed = stageOver(embedStack.world, [embedEngine], [model]);
  }
  const org = await chat.world.newOrg();
  const startedAtMs = Date.now();
  await (await chat.world.chat(org.key, { max_tokens: 200, ignore_eos: true })).text();
  tokensASecond = Math.ceil(200 / ((Date.now() - startedAtMs) / 1_000));
  note("metering: tokens of one sequence a second", tokensASecond);
});
afterAll(() => embedStack?.close());

const table = [...waysRead, ...waysLeft, ...waysRefused, ...waysBroken].filter(
  ({ body, caller, path }) =>
    body["model"] !== sightModel && caller.does !== "meets" && (path !== embeddingsPath || embedEngine !== undefined),
);
const cases = table.flatMap((way) =>
  way.forms.map((form): [name: string, form: Form, way: Way] => [way.name, form, way]),
);

/** A way that leaves at many places is walked once for each, since the engine's counters know no calls. */
function splitPlaces(way: Way): Way[] {
  const { caller } = way;
  if (caller.does === "leaves") return caller.after.map((after) => ({ ...way, caller: { ...caller, after: [after] } }));
  if (caller.does === "leavesUnheard")
    return caller.afterMs.map((afterMs) => ({ ...way, caller: { ...caller, afterMs: [afterMs] } }));
  return [way];
}

const sequencesOf = ({ body }: Way) => {
  const { n, prompt } = body;
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt.length : 1;
  return { choices: Number(n ?? 1), prompts };
};

/** Walks a way alone and compares; what it gives stands among the figures of the report. */
async function checkOne(stage: RealStage, way: Way, form: Form): Promise<string> {
  await untilIdle(60_000, stage.engines);
  const before = await workDone(stage.engines);
  const [one] = await walk(stage, way, form);
  await untilIdle(5_000, stage.engines);
  const bill = await readBill(stage.world, one!.org);
  const after = await workDone(stage.engines);
  const made: Tokens = {
    promptTokens: after.prompt - before.prompt,
    completionTokens: after.generated - before.generated,
  };
  const { choices, prompts } = sequencesOf(way);
  await checkBooks(stage.world, one!.org, bill, stage.models);
  const unseen = (way.unseen ?? 0) * choices * prompts;
  // vLLM's counter has a prompt once for each choice, and not before it has read it; its usage has it once for all.
  if (way.pays === "all") {
    expect(bill.completionTokens).toBe(made.completionTokens - unseen);
    expect(bill.promptTokens * choices).toBe(made.promptTokens);
    expect(bill.promptTokens).toBeGreaterThan(0);
    expect(new Set(bill.lines.map(({ hold }) => hold)).size).toBe(1);
  } else if (way.pays === "nothing") {
    expect([bill.lines, made]).toEqual([[], { promptTokens: 0, completionTokens: 0 }]);
    expect(one!.statuses).toEqual([way.status]);
  } else {
    expect(bill.completionTokens).toBeLessThanOrEqual(made.completionTokens);
    const slack = way.pays === "prompt" ? Infinity : tokensASecond * choices * prompts;
    expect(made.completionTokens - bill.completionTokens).toBeLessThanOrEqual(slack);
    expect(bill.promptTokens * choices).toBeGreaterThanOrEqual(made.promptTokens);
  }
  return `${bill.promptTokens} + ${bill.completionTokens} of ${made.promptTokens / choices} + ${made.completionTokens}`;
}

describe("billed is made, over a real vLLM:", () => {
  test.each(cases)("%s (%s)", async (name, form, way) => {
    const stage = way.path === embeddingsPath ? embed! : chat;
    const told: string[] = [];
    for (const one of splitPlaces(way)) told.push(await checkOne(stage, one, form));
    note(`metering: ${name} (${form}), billed of made`, told.join("; "));
  });
});
