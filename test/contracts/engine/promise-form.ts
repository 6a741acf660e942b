import { expect } from "vitest";
import { chat, type Promised } from "./promise.ts";

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

/** Answers that must have a form. */
export function promiseForm(promise: Promised) {
  promise("a named tool is called, and ends with stop", async ({ client, ask }) => {
    const tool_choice = { type: "function", function: { name: "get_weather" } };
    const { choices } = await client.whole(chat, {
      ...ask,
      tools: [weather],
      tool_choice,
      max_tokens: 200,
      temperature: 0,
    });
    expect(choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { tool_calls: [{ type: "function", function: { name: "get_weather" } }] },
    });
  });
  promise("a required tool is streamed: the name first, then the arguments", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, {
      ...ask,
      tools: [weather],
      tool_choice: "required",
      max_tokens: 200,
      temperature: 0,
    });
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta?.tool_calls ?? []);
    expect(calls[0]?.function.name).toBe("get_weather");
    expect(
      () => JSON.parse(calls.map(({ function: { arguments: args } }) => args ?? "").join("")) as unknown,
    ).not.toThrow();
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
  });
  promise("a choice among texts is one of them", async ({ client, ask }) => {
    const { choices } = await client.whole(chat, {
      ...ask,
      structured_outputs: { choice: ["yes", "no"] },
      max_tokens: 8,
    });
    expect(["yes", "no"]).toContain(choices[0]?.message?.content);
  });
  promise("an answer with a JSON schema is JSON, or was cut short", async ({ client, ask }) => {
    const schema = {
      type: "object",
      properties: { city: { enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    };
    const { choices } = await client.whole(chat, {
      ...ask,
      max_tokens: 100,
      temperature: 0,
      response_format: { type: "json_schema", json_schema: { name: "x", schema } },
    });
    const [choice] = choices;
    const told: unknown =
      choice?.finish_reason === "stop" ? JSON.parse(choice.message?.content ?? "") : { city: "Rome" };
    expect(["Paris", "Rome"]).toContain(Reflect.get(Object(told), "city"));
  });
}
