import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { fuzzDoors, type Family, type FuzzDoor } from "#test/support/fuzz/doors.ts";
import { openEdgeWorld, type EdgeWorld, type Outcome } from "#test/support/fuzz/edge-world.ts";
import { applyEdit, editsOf, hostileValue, writeHostile } from "#test/support/fuzz/hostile-values.ts";
import { followPath } from "#test/support/fuzz/named-path.ts";
import { valuesOf } from "#test/support/fuzz/schema-values.ts";

/** Bodies of each door in `npm test`; `PENSTOCK_FUZZ_RUNS=10000` and more for when there is time. */
const runs = Number(process.env["PENSTOCK_FUZZ_RUNS"] ?? 2_500);
const timeout = Math.max(60_000, runs * 20);

let world: EdgeWorld;
const { stackTraceLimit } = Error;
beforeAll(async () => {
  world = await openEdgeWorld();
  // A refusal is an Error, and nobody reads where most of these were thrown.
  Error.stackTraceLimit = 1;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
  world[Symbol.dispose]();
});

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

/** What a refusal says, in the words of each protocol. */
const ToldRefusal = z.object({ param: z.string().nullable(), message: z.string(), code: z.string() });
const readRefusal: Record<Family, (answer: string) => z.infer<typeof ToldRefusal>> = {
  openai: (answer) => z.object({ error: ToldRefusal }).parse(JSON.parse(answer)).error,
  anthropic: (answer) => z.object({ type: z.literal("error"), error: ToldRefusal }).parse(JSON.parse(answer)).error,
  ollama: (answer) => {
    const { error, ...rest } = z.looseObject({ error: z.string() }).parse(JSON.parse(answer));
    return ToldRefusal.parse({ ...rest, message: error });
  },
};

/** What is wrong with what became of a body; null for nothing. */
function findFault({ family }: FuzzDoor, body: string, outcome: Outcome): string | null {
  const { status, text, unforeseen, originFailures, openHolds } = outcome;
  if (unforeseen !== null) return `unforeseen: ${inspect(unforeseen)}`;
  if (originFailures.length > 0) return `an agent refuses what the edge let through: ${inspect(originFailures)}`;
  if (openHolds !== 0) return `${openHolds} holds are open`;
  if (status === 200) return null;
  // Every store and every node works, so nothing of ours may be wrong.
  if (status < 400 || status >= 500) return `status ${status}: ${text}`;
  return status === 400 ? findUnnamed(family, body, text) : null;
}

/** What a 400 does not tell that a caller needs to mend their body: its message is all that some clients show. */
function findUnnamed(family: Family, body: string, answer: string): string | null {
  const { param, message, code } = readRefusal[family](answer);
  if (param === null) return /^(The body|A number) /.test(message) ? null : `names nothing: ${answer}`;
  const sent: unknown = JSON.parse(body);
  const lead = followPath(sent, param);
  // What was not sent is required, or has to be set for what was.
  const others = Array.from(message.matchAll(/'([^']+)'/g), ([, name = ""]) => followPath(sent, name));
  const isMissed = / is required/.test(message) || others.includes("sent");
  if (lead === "astray" || (lead === "missing" && !isMissed)) return `${lead}: ${answer}`;
  // Of a full context it is said in words that clients know.
  const isNamed = message.includes(`'${param}'`) || message.startsWith(`${param}: `);
  return family === "openai" || code === "context_length_exceeded" || isNamed ? null : `no name in: ${answer}`;
}

describe("whatever is sent", () => {
  test.each(Object.entries(fuzzDoors))("to %s is answered or refused by name", { timeout }, async (_, door) => {
    let answered = 0;
    const check = async (body: string) => {
      const outcome = await world.send(door, body);
      if (outcome.status === 200) answered++;
      expect(findFault(door, body, outcome)).toBeNull();
    };
    await fc.assert(fc.asyncProperty(bodiesOf(door), check), { numRuns: runs });
    // Bodies that are all refused would prove little.
    expect(answered / runs).toBeGreaterThan(0.01);
  });
});
