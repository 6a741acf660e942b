import { expect, test } from "vitest";
import { startSimulator } from "#infra/simulator/server.ts";

test("answers that were set are given word by word, as text and as a call, and listed until then", async () => {
  const simulator = await startSimulator({ profile: { stepMs: 0 } });
  try {
    const post = (path: string, body: unknown) =>
      fetch(simulator.url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const call = { tool: "edit", arguments: { file: "a.txt", lines: ["é", 2] } };
    const set = await post("/sim/answers", { answers: [call, { text: "It is done, é." }] });
    expect(await set.json()).toEqual({ answers: [call, { text: "It is done, é." }] });
    expect((await post("/sim/answers", { answers: [{ text: "a" }, {}] })).status).toBe(400);
    const [model] = simulator.models.all;
    const tools = [{ type: "function", function: { name: "edit", parameters: { type: "object", properties: {} } } }];
    const chat = { model: model?.name, messages: [{ role: "user", content: "edit it" }], tools, max_tokens: 200 };
    const first = await (await post("/v1/chat/completions", chat)).json();
    const [made] = first.choices[0].message.tool_calls;
    expect([first.choices[0].finish_reason, made.function.name]).toEqual(["tool_calls", "edit"]);
    expect(JSON.parse(made.function.arguments)).toEqual(call.arguments);
    const second = await (await post("/v1/chat/completions", chat)).json();
    expect([second.choices[0].message.content, second.choices[0].finish_reason]).toEqual(["It is done, é.", "stop"]);
    expect(await (await fetch(`${simulator.url}/sim/answers`)).json()).toEqual({ answers: [] });
  } finally {
    await simulator.close();
  }
});
