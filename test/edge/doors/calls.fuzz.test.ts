import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fuzzDoors, type Family, type FuzzDoor } from "#test/support/fuzz/doors.ts";
import { openEdgeWorld, type EdgeWorld, type Outcome } from "#test/support/fuzz/edge-world.ts";
import { applyEdit, editsOf, hostileValue, writeHostile } from "#test/support/fuzz/hostile-values.ts";
import { leadsSomewhere } from "#test/support/fuzz/named-path.ts";
import { valuesOf } from "#test/support/fuzz/schema-values.ts";

/** Bodies of each door; `PENSTOCK_FUZZ_RUNS=100000` is for a night. */
const runs = Number(process.env["PENSTOCK_FUZZ_RUNS"] ?? 10_000);

let world: EdgeWorld;
beforeAll(async () => {
  world = await openEdgeWorld();
});
afterAll(() => world[Symbol.dispose]());

/** Bodies that fit, bodies with a fault or a few, and what is no body of the kind. */
function bodiesOf({ schema, seeds, names }: FuzzDoor): fc.Arbitrary<string> {
  const whole = valuesOf(schema, { seeds, optionalMax: 4 });
  const damaged = fc
    .tuple(whole, fc.array(editsOf(names), { minLength: 1, maxLength: 3 }))
    .map(([body, edits]) => edits.reduce(applyEdit, body));
  return fc
    .oneof({ weight: 3, arbitrary: whole }, { weight: 8, arbitrary: damaged }, { weight: 1, arbitrary: hostileValue })
    .map(writeHostile);
}

const readError: Record<Family, (answer: any) => { param: unknown; message: unknown; code: unknown }> = {
  openai: ({ error }) => error,
  anthropic: ({ error }) => error,
  ollama: ({ error, ...rest }) => ({ ...rest, message: error }),
};

function findFault(door: FuzzDoor, body: string, outcome: Outcome): string | null {
  const { status, text, unforeseen, originFailures, openHolds } = outcome;
  if (unforeseen !== null) return `unforeseen: ${unforeseen instanceof Error ? unforeseen.stack : String(unforeseen)}`;
  if (originFailures.length > 0)
    return `the agent: ${originFailures.map((one) => JSON.stringify(one) + (one as Error).stack).join()}`;
  if (openHolds !== 0) return `${openHolds} holds are open`;
  if (status === 200) return null;
  if (status < 400 || status >= 500) return `status ${status}: ${text}`;
  if (status !== 400) return null;
  const { param, message } = readError[door.family](JSON.parse(text));
  if (typeof message !== "string") return `no message: ${text}`;
  if (typeof param !== "string") return /^(The body|A number)/.test(message) ? null : `names nothing: ${text}`;
  if (!leadsSomewhere(JSON.parse(body), param)) return `leads nowhere: ${text}`;
  return door.family === "openai" || message.includes(param) ? null : `does not say its name: ${text}`;
}

describe("whatever is sent", () => {
  for (const [name, door] of Object.entries(fuzzDoors))
    test(`to ${name} is answered or refused by name, holds nothing afterwards, and is no surprise to an agent`, async () => {
      const statuses: Record<number, number> = {};
      const faults = new Map<string, string>();
      let n = 0;
      await fc.assert(
        fc.asyncProperty(bodiesOf(door), async (body) => {
          const outcome = await world.send(door, body);
          statuses[outcome.status] = (statuses[outcome.status] ?? 0) + 1;
          const fault = findFault(door, body, outcome);
          if (fault && process.env["FUZZ_LIST"]) {
            n++;
            if (faults.size < 400)
              faults.set(fault.replace(/[\d?]+/g, "#").slice(0, 200), body.slice(0, 700) + " → " + fault.slice(0, 900));
            return;
          }
          expect(fault).toBeNull();
        }),
        { numRuns: runs },
      );
      if (process.env["FUZZ_LIST"])
        console.log(name, n, JSON.stringify(statuses), "\n" + [...faults.values()].slice(0, 25).join("\n"));
    });
});
