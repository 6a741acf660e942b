import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { questions, type NativeProtocol } from "#infra/checks/accept/protocols/questions.ts";
import { compareExchanges } from "#test/support/protocols/compare.ts";
import { DifferenceList } from "#test/support/protocols/differences.ts";
import { ask, listEvents, type Exchange } from "#test/support/protocols/exchange.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { worldAt } from "#test/support/stack/world.ts";
import { chatEngines, note, overEngines, realEngines } from "../engines.ts";
import { findUnpublished, type Told } from "./published.ts";

/**
 * The same question to vLLM's own `/v1/responses` and `/v1/messages`, and to Penstock, which asks the same vLLM as a
 * chat: every member of a whole answer, every event of a stream and its members are compared, but for
 * docs/protocol-differences.md. `npm test` does the same over recordings.
 */
const world = worldAt(inject("place"));
const thinker = realEngines().filter(({ kind }) => kind === "think");
const list = new DifferenceList();
const told: Told[] = [];

/** Where a question goes: to vLLM, and to us. */
interface Doors {
  vllm: string;
  edge: string;
  key: string;
}
let doors: { chats: Doors; thinks: Doors };
let thinking: OwnStack;

beforeAll(async () => {
  thinking = await openOwnStack(await overEngines(thinker));
  const openDoors = async (vllm: string, { place, newOrg }: typeof world): Promise<Doors> => ({
    vllm,
    edge: place.edge,
    key: (await newOrg()).key,
  });
  doors = {
    chats: await openDoors(chatEngines()[0]?.url ?? "", world),
    thinks: await openDoors(thinker[0]?.url ?? "", thinking.world),
  };
});
afterAll(() => thinking.close());

/** Keeps what was answered for the SDKs' own types. */
function keep(protocol: NativeProtocol, name: string, exchange: Exchange): void {
  if (exchange.status >= 400) return;
  if (exchange.body !== undefined) told.push({ protocol, name, answer: JSON.parse(exchange.body) });
  for (const { data } of listEvents(exchange)) told.push({ protocol, name, event: data });
}

describe("asked side by side, vLLM's own endpoint and ours say the same:", () => {
  const cases = questions.flatMap((question) =>
    [false, true].map((stream) => ({ ...question, stream, form: stream ? "streamed" : "whole" })),
  );
  test.each(cases)("$protocol, $name, $form", async ({ protocol, name, body, isThought, stream, form }) => {
    const { vllm, edge, key } = isThought ? doors.thinks : doors.chats;
    const sent = { ...body, stream };
    const native = await ask(`${vllm}/v1/${protocol}`, sent);
    const ours = await ask(`${edge}/v1/${protocol}`, sent, { authorization: `Bearer ${key}` });
    keep(protocol, `${name}, ${form}`, ours);
    expect(list.findUnlisted(protocol, name, compareExchanges(protocol, native, ours))).toEqual([]);
  });
});

test("each difference that is listed is still there", () => {
  expect(list.listUnmet(true)).toEqual([]);
});

test("what we said has the form that the Python SDKs of OpenAI and Anthropic publish", async () => {
  expect(told.length).toBeGreaterThan(500);
  note("answers and events held against the SDKs' types", told.length);
  expect(await findUnpublished(told)).toEqual([]);
});
