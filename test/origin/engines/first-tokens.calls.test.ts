import { expect, test } from "vitest";
import { openStream, streamChunks, textChunks } from "#test/support/fakes/fake-engine.ts";
import { org, until } from "#test/support/fakes/origin.ts";
import { openCallWorld, pause } from "../calls/world.ts";

const world = openCallWorld({ slowStructuredMs: 400, pingMs: 50 });

const secret = "canary_property";
const schema = { type: "object", properties: { [secret]: { type: "string", pattern: "^[a-z]+$" } } };
const form = { response_format: { type: "json_schema", json_schema: { name: "x", schema } } };

interface Line {
  event: string;
  org: string;
  model: string;
  hold: string;
  ms: number;
  state: string;
}

const linesOf = (hold: string): Line[] =>
  world.setup.logs
    .map((line): Line => JSON.parse(line))
    .filter((line) => line.event === "slow_structured_call" && line.hold === hold);

function answerAfter(ms: number): void {
  world.engine.script = async (response) => {
    openStream(response);
    await pause(ms);
    for (const piece of textChunks(["a"])) response.write(piece);
    response.end();
  };
}

test("an engine that is long at a grammar is told of with the org, while it stands still and after", async () => {
  answerAfter(1_000);
  const { hold, answer } = await world.setup.open({ ...form, stream: true });
  await until(() => linesOf(hold).length === 1, 900);
  const [waiting] = linesOf(hold);
  expect(waiting).toMatchObject({ org, model: "public", state: "waiting" });
  expect(waiting?.ms).toBeGreaterThanOrEqual(399);
  (await answer).resume();
  await until(() => linesOf(hold).length === 2);
  expect(linesOf(hold)[1]).toMatchObject({ org, state: "began" });
  expect(linesOf(hold)[1]?.ms).toBeGreaterThanOrEqual(995);
  expect(world.setup.logs.join("")).not.toContain(secret);
});

test.each([
  ["a whole answer", { structured_outputs: { regex: "[a-z]+" } }],
  ["strict tools", { tools: [{ type: "function", function: { name: "f", parameters: schema, strict: true } }] }],
])("it is of %s too", async (_, body) => {
  answerAfter(700);
  const { hold, status } = await world.ask(body);
  expect([status, linesOf(hold).map(({ state }) => state)]).toEqual([200, ["waiting", "began"]]);
});

test("a call that ends before its first token is told of as that", async () => {
  world.engine.script = (response) => openStream(response);
  const { hold } = await world.ask({ ...form, stream: true }, { deadlineMs: Date.now() + 700 });
  await until(() => linesOf(hold).length === 2);
  expect(linesOf(hold).map(({ state }) => state)).toEqual(["waiting", "ended without a token"]);
});

test("a quick form, and a slow answer without one, are nobody's fault", async () => {
  world.engine.script = (response) => streamChunks(response, textChunks(["a", "b"]), 100);
  const quick = await world.ask({ ...form, stream: true });
  answerAfter(700);
  const plain = await world.ask({ stream: true, tools: [{ type: "function", function: { name: "f" } }] });
  expect([...linesOf(quick.hold), ...linesOf(plain.hold)]).toEqual([]);
});
