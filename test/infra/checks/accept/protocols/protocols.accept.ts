import { beforeAll, describe, expect, inject, test } from "vitest";
import { questions, type NativeProtocol } from "#infra/checks/accept/protocols/questions.ts";
import { compareExchanges } from "#test/support/protocols/compare.ts";
import { DifferenceList } from "#test/support/protocols/differences.ts";
import { ask, listEvents, type Exchange } from "#test/support/protocols/exchange.ts";
import { worldAt, type Org } from "#test/support/stack/world.ts";
import { chatEngines, note } from "../engines.ts";
import { findUnpublished, type Told } from "./published.ts";

/**
 * The same question to vLLM's own `/v1/responses` and `/v1/messages`, and to Penstock, which asks the same vLLM as a
 * chat: every member of a whole answer, every event of a stream and its members are compared, but for
 * docs/protocol-differences.md. `npm test` does the same over recordings.
 */
const world = worldAt(inject("place"));
const vllm = chatEngines()[0]?.url ?? "";
const list = new DifferenceList();
const told: Told[] = [];
let org: Org;

beforeAll(async () => {
  org = await world.newOrg();
});

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
  test.each(cases)("$protocol, $name, $form", async ({ protocol, name, body, stream }) => {
    const sent = { ...body, stream };
    const native = await ask(`${vllm}/v1/${protocol}`, sent);
    const ours = await ask(`${world.place.edge}/v1/${protocol}`, sent, { authorization: `Bearer ${org.key}` });
    keep(protocol, `${name}, ${stream ? "streamed" : "whole"}`, ours);
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
