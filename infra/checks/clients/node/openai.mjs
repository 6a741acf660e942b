import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from "openai";
import { check, edge, key, must, rejected } from "./check.mjs";

const client = new OpenAI({ baseURL: `${edge}/v1`, apiKey: key });
const messages = [{ role: "user", content: "Tell me of rivers." }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

await check("models.list", async () => must((await client.models.list()).data.length > 2, "models"));
await check("chat.completions.create", async () => {
  const answer = await client.chat.completions.create({ model: "chat", messages, max_tokens: 8 });
  must(answer.choices[0].message.content && answer.usage.completion_tokens, "content");
});
await check("chat stream with usage", async () => {
  const options = { model: "chat", messages, max_tokens: 8, stream: true, stream_options: { include_usage: true } };
  let usage = null;
  for await (const chunk of await client.chat.completions.create(options)) usage = chunk.usage ?? usage;
  must(usage?.completion_tokens, "usage");
});
await check("chat tools", async () => {
  const tools = [{ type: "function", function: { name: "weather", parameters } }];
  const answer = await client.chat.completions.create({ model: "chat", messages, tools, tool_choice: "required" });
  JSON.parse(must(answer.choices[0].message.tool_calls?.[0].function.arguments, "call"));
});
await check("embeddings", async () => {
  const { data } = await client.embeddings.create({ model: "embed", input: ["a", "b"] });
  must(data.length === 2 && data[0].embedding.length > 0, "embeddings");
});
await check("responses.create", async () => {
  const answer = await client.responses.create({ model: "chat", input: "Hello", max_output_tokens: 8 });
  must(answer.output_text && answer.usage.output_tokens, "output");
});
await check("responses.stream", async () => {
  const stream = client.responses.stream({ model: "chat", input: "Hello", max_output_tokens: 8 });
  let text = "";
  for await (const event of stream) if (event.type === "response.output_text.delta") text += event.delta;
  must((await stream.finalResponse()).output_text === text && text, "text");
});
await check("responses tools, both turns", async () => {
  const tools = [{ type: "function", name: "weather", parameters, strict: false }];
  const asked = { model: "chat", tools, tool_choice: "required", max_output_tokens: 100 };
  const { output } = await client.responses.create({ ...asked, input: "Weather?" });
  const call = must(
    output.find(({ type }) => type === "function_call"),
    "call",
  );
  const result = { type: "function_call_output", call_id: call.call_id, output: "sunny" };
  const input = [{ role: "user", content: "Weather?" }, ...output, result];
  must((await client.responses.create({ ...asked, tool_choice: "none", input })).output_text, "answer");
});
await check("a wrong key, model and value are the SDK's own errors", async () => {
  const ask = (over, own = client) => own.responses.create({ model: "chat", input: "Hello", ...over });
  const stranger = new OpenAI({ baseURL: `${edge}/v1`, apiKey: "sk-pen-wrong" });
  must((await rejected(() => ask({}, stranger))) instanceof AuthenticationError, "AuthenticationError");
  must((await rejected(() => ask({ model: "none" }))) instanceof NotFoundError, "NotFoundError");
  must((await rejected(() => ask({ temperature: 9 }))) instanceof BadRequestError, "BadRequestError");
});
