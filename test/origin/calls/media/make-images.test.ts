import { expect, test } from "vitest";
import { answerJson, type Script } from "#test/support/fakes/fake-engine.ts";
import { openMediaWorld } from "./world.ts";

const world = openMediaWorld();
const answer =
  (json: object): Script =>
  (response) =>
    answerJson(response, 200, json);
const ask = (fields: object) =>
  world.ask({ endpoint: "images.generations", fields: { model: "public", prompt: "x", ...fields } });
const image = { b64_json: "iVBORw0KGgo=" };

test("pictures are those in the answer, without an address, and billed so", async () => {
  const url = "http://127.0.0.1/secret.png";
  const data = [{ ...image, url }, { ...image, revised_prompt: "y" }, { url }];
  world.engine.script = answer({ created: 5, data, usage: { total_tokens: 9 }, size: "64x64", path: "/tmp/x" });
  const { json, hold, headers } = await ask({ n: 3 });
  expect(json()).toEqual({ created: 5, data: [image, { ...image, revised_prompt: "y" }], size: "64x64" });
  expect(Number(headers["content-length"])).toBeGreaterThan(0);
  expect(world.engine.calls[0]?.body).toEqual({
    model: "engine/name",
    prompt: "x",
    n: 3,
    response_format: "b64_json",
  });
  expect(await world.readRecords(hold)).toMatchObject([{ isFinal: true, units: 2, promptTokens: 20 }]);
});

test("more than were asked for are neither shown nor billed", async () => {
  world.engine.script = answer({ data: [image, image, image] });
  const { json, hold } = await ask({ n: 2 });
  expect(json().data).toHaveLength(2);
  expect(await world.readRecords(hold)).toMatchObject([{ units: 2 }]);
});

test.each([{ data: [] }, { data: [{ url: "http://x/" }] }, { data: "x" }, { error: { message: "x" } }])(
  "none in %j is a 502",
  async (json) => {
    world.engine.script = answer(json);
    expect((await ask({})).status).toBe(502);
  },
);

test("those that take long are kept alive, and what breaks then is cut off and billed nothing", async () => {
  world.engine.script = async (response) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    answerJson(response, 200, { data: [image] });
  };
  const whole = await ask({});
  expect([whole.text.startsWith(" "), whole.json().data]).toEqual([true, [image]]);
  world.engine.script = async (response) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    response.destroy();
  };
  const { isCut, hold } = await ask({});
  expect(isCut).toBe(true);
  expect(await world.readRecords(hold)).toMatchObject([
    { isFinal: true, outcome: "failed", units: 0, promptTokens: 0 },
  ]);
});
