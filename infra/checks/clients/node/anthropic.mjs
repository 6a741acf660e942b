import Anthropic, { AuthenticationError, BadRequestError, NotFoundError } from "@anthropic-ai/sdk";
import { check, edge, key, must, rejected } from "./check.mjs";

const client = new Anthropic({ baseURL: edge, apiKey: key });
const ask = { model: "chat", max_tokens: 16, messages: [{ role: "user", content: "Tell me of rivers." }] };
const input_schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

await check("models.list", async () => must((await client.models.list()).data[0].display_name, "display_name"));
await check("messages.create", async () => {
  const message = await client.messages.create(ask);
  must(message.content[0].text && message.usage.output_tokens, "text");
});
await check("messages.stream", async () => {
  const stream = client.messages.stream(ask);
  let text = "";
  stream.on("text", (delta) => (text += delta));
  const message = await stream.finalMessage();
  must(message.content[0].text === text && message.stop_reason, "text");
});
await check("tools, both turns", async () => {
  const tools = [{ name: "weather", input_schema }];
  const asked = { ...ask, max_tokens: 100, tools };
  const first = await client.messages.create({ ...asked, tool_choice: { type: "any" } });
  const use = must(
    first.content.find(({ type }) => type === "tool_use"),
    "tool_use",
  );
  const result = { type: "tool_result", tool_use_id: use.id, content: "sunny" };
  const turns = [
    { role: "assistant", content: first.content },
    { role: "user", content: [result] },
  ];
  const messages = [...ask.messages, ...turns];
  must((await client.messages.create({ ...asked, tool_choice: { type: "none" }, messages })).content[0].text, "text");
});
await check("messages.countTokens", async () => {
  const { model, messages } = ask;
  must((await client.messages.countTokens({ model, messages })).input_tokens, "count");
});
await check("a wrong key, model and value are the SDK's own errors", async () => {
  const stranger = new Anthropic({ baseURL: edge, apiKey: "sk-pen-wrong" });
  must((await rejected(() => stranger.messages.create(ask))) instanceof AuthenticationError, "AuthenticationError");
  const none = () => client.messages.create({ ...ask, model: "none" });
  must((await rejected(none)) instanceof NotFoundError, "NotFoundError");
  const hot = () => client.messages.create({ ...ask, temperature: 9 });
  must((await rejected(hot)) instanceof BadRequestError, "BadRequestError");
});
