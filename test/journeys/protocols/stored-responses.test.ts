import OpenAI from "openai";
import { describe, expect, inject, test } from "vitest";
import {
  DeletedResponse,
  Response as ResponseSchema,
  ResponseItemList,
} from "#edge/protocol/openai/responses/answers.ts";
import { worldAt } from "#test/support/stack/world.ts";

/** Responses that are stored, by OpenAI's own SDK against the whole stack. */
const world = worldAt(inject("place"));

async function newClient(hours: number | null = 24) {
  const org = await world.newOrg();
  if (hours !== null) await world.must("PUT", `/orgs/${org.id}/response-retention`, { hours });
  return { org, openai: new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 }) };
}

/** The same answer each time, of 9 tokens. */
const certain = { model: "chat", max_output_tokens: 9, temperature: 0, ignore_eos: true } as const;

/** The SDK's type does not know the member. */
const isStored = (response: object): unknown => Reflect.get(response, "store");

/** The response of a stream's last event. */
async function readLast(stream: AsyncIterable<OpenAI.Responses.ResponseStreamEvent>) {
  let last: OpenAI.Responses.Response | null = null;
  for await (const event of stream) if ("response" in event) last = event.response;
  if (!last) throw new Error("a stream without an end");
  return last;
}

async function failWith(work: Promise<unknown>) {
  const failure = await work.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(failure instanceof OpenAI.APIError)) throw new Error("it did not fail", { cause: failure });
  return { status: failure.status, code: failure.code, param: failure.param, message: failure.message };
}

describe("a conversation", () => {
  test.each([false, true])("goes on by the id of what was answered, stream: %s", async (stream) => {
    const { org, openai } = await newClient();
    const ask = async (input: string, previous: string | null) => {
      const asked = { ...certain, input, previous_response_id: previous, instructions: `As for ${input}` };
      return stream ? readLast(await openai.responses.create({ ...asked, stream })) : openai.responses.create(asked);
    };
    const first = await ask("One?", null);
    const second = await ask("Two?", first.id);
    const third = await ask("Three?", second.id);
    expect([first, second, third].map((one) => [isStored(one), one.previous_response_id])).toEqual([
      [true, null],
      [true, first.id],
      [true, second.id],
    ]);

    // The same conversation sent in full: the same prompt, so the same tokens and the same price.
    const whole = await openai.responses.create({
      ...certain,
      store: false,
      instructions: "As for Three?",
      input: [
        { role: "user", content: "One?" },
        ...first.output,
        { role: "user", content: "Two?" },
        ...second.output,
        { role: "user", content: "Three?" },
      ] as OpenAI.Responses.ResponseInput,
    });
    const read = ({ usage, output }: OpenAI.Responses.Response) => [
      usage?.input_tokens,
      usage?.output_tokens,
      output.map((item) => ("content" in item ? item.content : null)),
    ];
    expect([isStored(whole), ...read(whole)]).toEqual([false, ...read(third)]);
    const rows = await world.settled(org.id);
    const costs = rows.map(({ promptTokens, completionTokens, costMicros }) => [
      promptTokens,
      completionTokens,
      costMicros,
    ]);
    expect(rows).toHaveLength(4);
    const cost = (one: OpenAI.Responses.Response) => costs.filter(([prompt]) => prompt === one.usage?.input_tokens);
    expect(cost(third)).toHaveLength(2);
    expect(cost(third)[0]).toEqual(cost(third)[1]);
    expect(Number(third.usage?.input_tokens)).toBeGreaterThan(Number(second.usage?.input_tokens));

    const { output_text: _, ...shown } = await openai.responses.retrieve(third.id);
    expect(() => ResponseSchema.parse(shown)).not.toThrow();
    expect({ output_text: third.output_text, ...shown }).toEqual(third);
  });

  test("branches: two go on from one response, and know nothing of each other", async () => {
    const { openai } = await newClient();
    const first = await openai.responses.create({ ...certain, input: "One?" });
    const [left, right] = await Promise.all(
      ["Left?", "Right?"].map((input) =>
        openai.responses.create({ ...certain, input, previous_response_id: first.id }),
      ),
    );
    const list = async (id = "") =>
      (await openai.responses.inputItems.list(id, { order: "asc" })).data.map((item) => JSON.stringify(item));
    expect((await list(left?.id)).join()).toContain("Left?");
    expect((await list(left?.id)).join()).not.toContain("Right?");
    expect((await list(right?.id)).slice(0, 2)).toEqual((await list(left?.id)).slice(0, 2));
  });

  test("goes on with what came of a tool, and with items that refer to stored ones", async () => {
    const { openai } = await newClient();
    const weather = { type: "function" as const, name: "weather", parameters: { type: "object" }, strict: null };
    const first = await openai.responses.create({
      model: "chat",
      input: "Weather in Bonn?",
      tools: [weather],
      tool_choice: "required",
    });
    const call = first.output.find((item) => item.type === "function_call");
    const output = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "sunny" };
    const next = await openai.responses.create({ ...certain, input: [output], previous_response_id: first.id });
    const referring = await openai.responses.create({
      ...certain,
      input: [
        { role: "user", content: "Weather in Bonn?" },
        ...first.output.map(({ id }) => ({ type: "item_reference" as const, id: id ?? "" })),
        output,
      ],
    });
    expect(referring.usage?.input_tokens).toBe(next.usage?.input_tokens);
    expect(referring.output_text).toBe(next.output_text);
    expect(
      await failWith(openai.responses.create({ ...certain, input: [{ type: "item_reference", id: "msg_x" }] })),
    ).toEqual({
      status: 404,
      code: "not_found",
      param: "input",
      message: expect.stringContaining("Item with id 'msg_x' not found."),
    });
  });

  test("may go on without being stored itself", async () => {
    const { openai } = await newClient();
    const first = await openai.responses.create({ ...certain, input: "One?" });
    const second = await openai.responses.create({
      ...certain,
      input: "Two?",
      previous_response_id: first.id,
      store: false,
    });
    expect([isStored(second), second.previous_response_id]).toEqual([false, first.id]);
    expect((await failWith(openai.responses.retrieve(second.id))).status).toBe(404);
  });

  test("is counted as it would be answered", async () => {
    const { openai } = await newClient();
    const first = await openai.responses.create({ ...certain, input: "One?" });
    const asked = { model: "chat", input: "Two?", previous_response_id: first.id };
    const second = await openai.responses.create({ ...certain, ...asked });
    expect((await openai.responses.inputTokens.count(asked)).input_tokens).toBe(second.usage?.input_tokens);
  });
});

describe("what is stored", () => {
  test("is listed by pages, both ways, with the conversation that it goes on from", async () => {
    const { openai } = await newClient();
    const texts = Array.from({ length: 25 }, (_, index) => `Word ${index}`);
    const first = await openai.responses.create({
      ...certain,
      input: texts.map((content) => ({ role: "user" as const, content })),
    });
    const last = await openai.responses.create({ ...certain, input: "Last", previous_response_id: first.id });
    const page = ResponseItemList.parse(await openai.get(`/responses/${last.id}/input_items`));
    expect([page.data.length, page.has_more]).toEqual([20, true]);
    expect([page.first_id, page.last_id]).toEqual([page.data[0]?.id, page.data[19]?.id]);
    const newest: OpenAI.Responses.ResponseItem[] = [];
    for await (const item of openai.responses.inputItems.list(last.id, { limit: 7 })) newest.push(item);
    const oldest: OpenAI.Responses.ResponseItem[] = [];
    for await (const item of openai.responses.inputItems.list(last.id, { limit: 100, order: "asc" })) oldest.push(item);
    expect(oldest).toEqual(newest.toReversed());
    expect(oldest).toHaveLength(25 + 1 + 1);
    expect(new Set(oldest.map(({ id }) => id)).size).toBe(27);
    expect(JSON.stringify(oldest[0])).toContain("Word 0");
    expect(oldest[26]).toMatchObject({ role: "user", content: [{ type: "input_text", text: "Last" }] });
    const bad = { limit: 101, order: "up", after: "msg_x" };
    for (const [name, value] of Object.entries(bad)) {
      const failed = await failWith(openai.get(`/responses/${last.id}/input_items?${name}=${value}`));
      expect([failed.status, failed.param]).toEqual([400, name]);
    }
  });

  test("is deleted for good, and what went on from it does not go on", async () => {
    const { org, openai } = await newClient();
    const first = await openai.responses.create({ ...certain, input: "One?" });
    const second = await openai.responses.create({ ...certain, input: "Two?", previous_response_id: first.id });
    const answer = await fetch(`${world.place.edge}/v1/responses/${first.id}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${org.key}` },
    });
    expect(DeletedResponse.parse(await answer.json())).toEqual({ id: first.id, object: "response", deleted: true });
    for (const work of [() => openai.responses.retrieve(first.id), () => openai.responses.delete(first.id)])
      expect((await failWith(work())).status).toBe(404);
    const third = openai.responses.create({ ...certain, input: "Three?", previous_response_id: second.id });
    expect(await failWith(third)).toMatchObject({ status: 400, code: "previous_response_not_found" });
    expect((await openai.responses.retrieve(second.id)).id).toBe(second.id);
    expect((await openai.responses.inputItems.list(second.id)).data).toHaveLength(1);
  });

  test("cannot be cancelled or streamed anew, since it was not made in the background", async () => {
    const { openai } = await newClient();
    const { id } = await openai.responses.create({ ...certain, input: "One?" });
    expect(await failWith(openai.responses.cancel(id))).toMatchObject({
      status: 400,
      message: expect.stringContaining("Cannot cancel a synchronous response."),
    });
    expect(await failWith(openai.responses.retrieve(id, { stream: true }))).toMatchObject({
      status: 400,
      code: "unsupported_parameter",
      param: "stream",
    });
    const include = ["message.output_text.logprobs" as const];
    expect((await openai.responses.retrieve(id, { include })).id).toBe(id);
  });

  test("is another org's secret: there as if it were not, and by each door alike", async () => {
    const [own, other] = await Promise.all([newClient(), newClient()]);
    const { id } = await own.openai.responses.create({ ...certain, input: "One?" });
    const missing = "resp_0000000000000000000000";
    const { openai } = other;
    const doors = [
      (which: string) => openai.responses.retrieve(which),
      (which: string) => openai.responses.delete(which),
      (which: string) => openai.responses.cancel(which),
      (which: string) => openai.responses.inputItems.list(which),
      (which: string) => openai.responses.create({ ...certain, input: "Two?", previous_response_id: which }),
    ];
    for (const door of doors) {
      const [theirs, none] = [
        await failWith(Promise.resolve(door(id))),
        await failWith(Promise.resolve(door(missing))),
      ];
      expect({ ...theirs, message: theirs.message.replace(id, "?") }).toEqual({
        ...none,
        message: none.message.replace(missing, "?"),
      });
    }
    expect((await own.openai.responses.retrieve(id)).id).toBe(id);
    expect(
      await failWith(own.openai.responses.create({ ...certain, input: "Two?", previous_response_id: missing })),
    ).toEqual({
      status: 400,
      code: "previous_response_not_found",
      param: "previous_response_id",
      message: expect.stringContaining(`Previous response with id '${missing}' not found.`),
    });
  });

  test("is for keys of the endpoint, and none that is revoked; Azure's addresses lead to it too", async () => {
    const { org, openai } = await newClient();
    const { id } = await openai.responses.create({ ...certain, input: "One?" });
    const narrow = await world.newKey(org.id, { endpoints: ["chat.completions"] });
    const gone = await world.newKey(org.id);
    await world.must("POST", `/orgs/${org.id}/keys/${gone.id}/revoke`);
    const get = async (key: string, path = "/v1") => {
      const answer = await fetch(`${world.place.edge}${path}/responses/${id}`, { headers: { "api-key": key } });
      return [answer.status, await answer.text()] as const;
    };
    expect((await get(narrow.secret))[0]).toBe(403);
    expect((await get(gone.secret))[0]).toBe(401);
    const goingOn = await world.post("/v1/responses", gone.secret, {
      ...certain,
      input: "x",
      previous_response_id: id,
    });
    expect(goingOn.status).toBe(401);
    const [status, text] = await get(org.key, "/openai/v1");
    expect([status, JSON.parse(text).id]).toEqual([200, id]);
  });
});

describe("without storage", () => {
  test("everything goes on as ever; who counts on storage is told by name who can switch it on", async () => {
    const { openai } = await newClient(null);
    for (const over of [{}, { store: false }, { store: null }])
      expect(isStored(await openai.responses.create({ ...certain, input: "One?", ...over }))).toBe(false);
    for (const [param, over] of [
      ["store", { store: true }],
      ["previous_response_id", { previous_response_id: "resp_0000000000000000000000" }],
    ] as const) {
      const failed = await failWith(openai.responses.create({ ...certain, input: "One?", ...over }));
      expect(failed).toMatchObject({ status: 400, code: "unsupported_parameter", param });
      expect(failed.message).toContain("one of its admins or an operator");
    }
    const reference = { type: "item_reference" as const, id: "msg_0000000000000000000000_0" };
    expect(await failWith(openai.responses.create({ ...certain, input: [reference] }))).toMatchObject({
      status: 400,
      param: "input[0].type",
    });
    expect((await failWith(openai.responses.retrieve("resp_0000000000000000000000"))).status).toBe(404);
  });
});
