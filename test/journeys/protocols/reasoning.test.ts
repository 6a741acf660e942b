import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";

let own: OwnStack;
beforeAll(async () => {
  own = await openOwnStack({ simulatorArgs: ["--step-ms", "2", "--thinking-tokens", "Qwen/Qwen2.5-7B-Instruct=5"] });
});
afterAll(() => own.close());

/** What vLLM takes and the SDK's types do not know. */
const asked = { model: "chat", input: "Why?", max_output_tokens: 12, temperature: 0, seed: 1, ignore_eos: true };

test("a model that reasons shows it as an item of its own, whole and streamed alike, and counts it", async () => {
  const { world } = own;
  const org = await world.newOrg();
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const whole = await openai.responses.create({ ...asked, include: ["reasoning.encrypted_content"] });
  expect(whole.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
  const [thought] = whole.output;
  if (thought?.type !== "reasoning") throw new Error("no reasoning");
  expect(thought.content?.[0]?.text).not.toBe("");
  expect(thought).not.toHaveProperty("encrypted_content");
  expect(whole.usage).toMatchObject({ output_tokens: 12, output_tokens_details: { reasoning_tokens: 5 } });

  const stream = openai.responses.stream(asked);
  let text = "";
  for await (const event of stream) if (event.type === "response.reasoning_text.delta") text += event.delta;
  const streamed = await stream.finalResponse();
  expect(text).toBe(thought.content?.[0]?.text);
  expect(streamed.output_text).toBe(whole.output_text);
  expect(streamed.usage?.output_tokens_details).toEqual({ reasoning_tokens: 5 });

  const next = await openai.responses.create({
    ...asked,
    input: [
      { role: "user", content: "Why?" },
      thought,
      { role: "assistant", content: "So." },
      { role: "user", content: "And?" },
    ],
  });
  expect(next.output_text).not.toBe("");
  for (const row of await world.settled(org.id)) expect(row).toMatchObject({ end: "completed", completionTokens: 12 });
});
