import { Ollama } from "ollama";
import { check, edge, key, must, rejected } from "./check.mjs";

const client = new Ollama({ host: edge, headers: { Authorization: `Bearer ${key}` } });
const ask = {
  model: "chat",
  messages: [{ role: "user", content: "Tell me of rivers." }],
  options: { num_predict: 16 },
};

await check("list", async () => must((await client.list()).models.length, "models"));
await check("show", async () => must((await client.show({ model: "chat" })).capabilities, "capabilities"));
await check("chat", async () => {
  const answer = await client.chat(ask);
  must(answer.message.content && answer.done && answer.eval_count, "content");
});
await check("chat stream", async () => {
  let last = null;
  for await (const part of await client.chat({ ...ask, stream: true })) last = part;
  must(last?.done && last.eval_count, "end");
});
await check("tools", async () => {
  const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const tools = [{ type: "function", function: { name: "weather", description: "", parameters } }];
  const answer = await client.chat({ ...ask, options: { num_predict: 200 }, tools });
  must(answer.message.tool_calls?.[0].function.arguments, "call");
});
await check("generate", async () => {
  must((await client.generate({ model: "chat", prompt: "Hello", options: { num_predict: 8 } })).response, "response");
});
await check("embed", async () => {
  must((await client.embed({ model: "embed", input: ["a", "b"] })).embeddings.length === 2, "embeddings");
});
await check("pull is refused by name", async () => {
  must(/pull/i.test((await rejected(() => client.pull({ model: "chat" }))).message), "name");
});
