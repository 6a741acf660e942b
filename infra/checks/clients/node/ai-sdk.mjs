import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { check, edge, key, must } from "./check.mjs";

const provider = createOpenAI({ baseURL: `${edge}/v1`, apiKey: key });
// The provider's default is the Responses API.
const model = provider("chat");
const prompt = "Tell me of rivers.";

await check("generateText", async () =>
  must((await generateText({ model, prompt, maxOutputTokens: 16 })).text, "text"),
);
await check("streamText", async () => {
  let text = "";
  const { textStream, usage } = streamText({ model, prompt, maxOutputTokens: 16 });
  for await (const piece of textStream) text += piece;
  must(text && (await usage).outputTokens, "text");
});
await check("tools in a loop", async () => {
  const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async () => "sunny" });
  const { steps } = await generateText({ model, prompt, tools: { weather }, stopWhen: stepCountIs(2) });
  must(steps[0].toolCalls.length > 0 && steps.length === 2, "steps");
});
await check("generateObject", async () => {
  const { object } = await generateObject({ model, prompt, schema: z.object({ name: z.string() }) });
  must(typeof object.name === "string", "object");
});
await check("chat completions instead", async () => {
  must((await generateText({ model: provider.chat("chat"), prompt, maxOutputTokens: 16 })).text, "text");
});
