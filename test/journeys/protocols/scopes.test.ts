import { describe, expect, inject, test } from "vitest";
import { Endpoint } from "#edge/agreements/records/model.ts";
import { CallEndpoint, cohereRerankPath, endpointPaths } from "#edge/agreements/paths.ts";
import { sitePaths } from "#edge/doors/site-paths.ts";
import { makeWav } from "#test/support/media/sound.ts";
import { worldAt } from "#test/support/stack/world.ts";

/** Which doors a key opens that is narrowed to some endpoints: one table for all that there are. */
const world = worldAt(inject("place"));

const messages = [{ role: "user", content: "Hi" }];
const chat = { model: "chat", messages, max_tokens: 1, stream: false };
const options = { num_predict: 1 };
const ranked = { model: "rerank", query: "q", documents: ["a"] };

/** A call at each endpoint that is answered with 200. */
const bodies: Readonly<Record<CallEndpoint, object>> = {
  "chat.completions": chat,
  completions: { model: "chat", prompt: "Hi", max_tokens: 1 },
  embeddings: { model: "embed", input: "Hi" },
  text2sql: { messages, max_tokens: 1 },
  rerank: ranked,
  score: { model: "rerank", text_1: "a", text_2: "b" },
  responses: { model: "chat", input: "Hi", max_output_tokens: 1 },
  messages: chat,
  "ollama.chat": { model: "chat", messages, stream: false, options },
  "ollama.generate": { model: "chat", prompt: "Hi", stream: false, options },
  "ollama.embed": { model: "embed", input: "Hi" },
  "audio.transcriptions": makeForm(),
  "audio.translations": makeForm(),
  "audio.speech": { model: "tts", input: "Hi", voice: "anna" },
  "images.generations": { model: "image", prompt: "A well." },
};

function makeForm(): FormData {
  const form = new FormData();
  form.append("model", "whisper");
  form.append("file", new File([makeWav({ seconds: 1 })], "a.wav"));
  return form;
}

/** A door, the endpoint that a key needs for it, and what is sent there; nothing is a GET. */
type Door = [path: string, needs: Endpoint, body?: object];
const doors: Door[] = [
  ...CallEndpoint.options.map((name): Door => [endpointPaths[name].edge, name, bodies[name]]),
  [cohereRerankPath, "rerank", ranked],
  ["/api/embeddings", "ollama.embed", { model: "embed", prompt: "Hi" }],
  // What loads no model asks whether the key may call it.
  [endpointPaths["ollama.chat"].edge, "ollama.chat", { model: "chat" }],
  ["/openai/deployments/chat/chat/completions", "chat.completions", { messages, max_tokens: 1 }],
  [sitePaths.countMessages, "messages", { model: "chat", messages }],
  [sitePaths.countResponse, "responses", { model: "chat", input: "Hi" }],
  [sitePaths.tokenize, "chat.completions", { model: "chat", messages }],
  // A tokenizer has no endpoint of its own: it is the first by which its model takes text.
  [sitePaths.tokenize, "completions", { model: "chat", prompt: "Hi" }],
  [sitePaths.tokenize, "embeddings", { model: "embed", prompt: "Hi" }],
  [sitePaths.detokenize, "rerank", { model: "rerank", tokens: [1] }],
  [`${sitePaths.tokenizerInfo}?model=chat`, "completions"],
  [sitePaths.models, "models"],
  ["/v1/models/chat", "models"],
  [sitePaths.ollamaTags, "models"],
  [sitePaths.ollamaRunning, "models"],
  [sitePaths.ollamaShow, "models", { model: "chat" }],
];

const knock = async (key: string, [path, , body]: Door) => {
  const headers = { authorization: `Bearer ${key}` };
  const address = world.place.edge + path;
  const isForm = body instanceof FormData;
  const answer =
    body && !isForm
      ? await world.post(path, key, body)
      : await fetch(address, { headers, ...(isForm && { method: "POST", body }) });
  await answer.text();
  return answer.status;
};

describe.concurrent("a key that is narrowed", () => {
  test.each(Endpoint.options)("to %s opens its doors, and is refused at all others", async (name) => {
    const org = await world.newOrg();
    const { secret } = await world.newKey(org.id, { endpoints: [name] });
    const statuses: [string, string, number][] = [];
    for (const door of doors) statuses.push([door[0], door[1], await knock(secret, door)]);
    const expected = doors.map(([path, needs]) => [path, needs, needs === name ? 200 : 403]);
    expect(statuses).toEqual(expected);
  });

  test("by a client token of it, to one endpoint, opens the doors of that one alone", async () => {
    const org = await world.newOrg();
    const wish = { expires_in: 60, endpoints: ["messages"] };
    const minted = await world.post(sitePaths.clientTokens, org.key, wish);
    const { token }: { token: string } = JSON.parse(await minted.text());
    const opened: string[] = [];
    for (const door of doors) if ((await knock(token, door)) === 200) opened.push(door[0]);
    expect(opened).toEqual(doors.filter(([, needs]) => needs === "messages").map(([path]) => path));
  });
});
