import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { check, edge, key, must } from "./check.mjs";

const configuration = { baseURL: `${edge}/v1` };
for (const useResponsesApi of [false, true]) {
  const name = useResponsesApi ? "Responses" : "chat";
  const model = new ChatOpenAI({ model: "chat", apiKey: key, configuration, useResponsesApi, maxTokens: 16 });
  await check(`invoke by ${name}`, async () => must((await model.invoke("Tell me of rivers.")).text, "text"));
  await check(`stream by ${name}`, async () => {
    let text = "";
    for await (const chunk of await model.stream("Tell me of rivers.")) text += chunk.text;
    must(text, "text");
  });
  await check(`tools by ${name}`, async () => {
    const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
    const patient = new ChatOpenAI({ model: "chat", apiKey: key, configuration, useResponsesApi, maxTokens: 200 });
    must((await patient.bindTools(tools).invoke("Weather?")).tool_calls?.length, "call");
  });
}
await check("embeddings", async () => {
  const embeddings = new OpenAIEmbeddings({ model: "embed", apiKey: key, configuration });
  must((await embeddings.embedQuery("a")).length, "vector");
});
