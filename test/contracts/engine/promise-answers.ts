import { expect } from "vitest";
import { chat, completions, type Promised } from "./promise.ts";

/** What a whole answer is. */
export function promiseWhole(promise: Promised) {
  promise("a chat answer is one assistant message with a reason for its end", async ({ client, ask }) => {
    const answer = await client.whole(chat, { ...ask, max_tokens: 6, ignore_eos: true });
    expect(answer).toMatchObject({
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant" }, finish_reason: "length", stop_reason: null }],
    });
    expect(answer.id).toMatch(/^chatcmpl-/);
  });
  promise("usage adds up and counts what was asked for", async ({ client, ask }) => {
    const { usage } = await client.whole(chat, { ...ask, max_tokens: 6, ignore_eos: true });
    expect(usage?.completion_tokens).toBe(6);
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + 6);
  });
  promise("max_completion_tokens wins over max_tokens", async ({ client, ask }) => {
    expect(
      (await client.whole(chat, { ...ask, max_tokens: 9, max_completion_tokens: 4, ignore_eos: true })).usage
        ?.completion_tokens,
    ).toBe(4);
  });
  promise("a completion without max_tokens has 16", async ({ client, model }) => {
    expect(
      (await client.whole(completions, { model, prompt: "Once upon a time", ignore_eos: true })).usage
        ?.completion_tokens,
    ).toBe(16);
  });
  promise("a list of prompts is answered choice by choice, and usage is their sum", async ({ client, model }) => {
    const { choices, usage } = await client.whole(completions, {
      model,
      prompt: ["one", "two"],
      max_tokens: 3,
      ignore_eos: true,
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1]);
    expect(usage?.completion_tokens).toBe(6);
  });
  promise("echo puts the prompt before the completion", async ({ client, model }) => {
    const { choices } = await client.whole(completions, {
      model,
      prompt: "Once upon",
      max_tokens: 3,
      echo: true,
      ignore_eos: true,
    });
    expect(choices[0]?.text?.startsWith("Once upon")).toBe(true);
  });
  promise("an x-request-id becomes the answer's id", async ({ client, ask }) => {
    const response = await client.post(chat, { ...ask, max_tokens: 1 }, { headers: { "x-request-id": "contract-7" } });
    expect(await response.json()).toMatchObject({ id: "chatcmpl-contract-7" });
  });
  promise("a model may be left out: the first one answers", async ({ client, ask, model }) => {
    const { model: answered } = await client.whole(chat, { messages: ask.messages, max_tokens: 1 });
    expect(answered).toBe((await client.whole(chat, { ...ask, model, max_tokens: 1 })).model);
  });
}

/** What a stream is, event by event. */
export function promiseStreams(promise: Promised) {
  promise("a stream begins with the role, ends with a reason, then [DONE]", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, { ...ask, max_tokens: 5, ignore_eos: true });
    expect(chunks[0]?.choices[0]).toMatchObject({ delta: { role: "assistant", content: "" }, finish_reason: null });
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("length");
    expect(chunks.slice(0, -1).every(({ choices }) => choices[0]?.finish_reason === null)).toBe(true);
  });
  promise("no chunk tells usage unless it was asked for", async ({ client, ask }) => {
    for (const stream_options of [undefined, null, {}, { include_usage: false, continuous_usage_stats: true }]) {
      const chunks = await client.chunks(chat, { ...ask, max_tokens: 2, stream_options });
      expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
    }
  });
  promise("include_usage adds one last chunk without choices", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, {
      ...ask,
      max_tokens: 5,
      ignore_eos: true,
      stream_options: { include_usage: true },
    });
    expect(chunks.filter(({ usage }) => usage)).toHaveLength(1);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
  });
  promise(
    "continuous usage is on every chunk, never falls, and ends as the last chunk says",
    async ({ client, ask }) => {
      const chunks = await client.chunks(chat, {
        ...ask,
        max_tokens: 9,
        ignore_eos: true,
        stream_options: { include_usage: true, continuous_usage_stats: true },
      });
      const counts = chunks.map(({ usage }) => usage?.completion_tokens ?? -1);
      expect(counts[0]).toBe(0);
      expect(counts).toEqual([...counts].sort((one, other) => one - other));
      expect(counts.slice(-2)).toEqual([9, 9]);
    },
  );
  promise("a greedy stream says what the whole answer says", async ({ client, ask }) => {
    const call = { ...ask, max_tokens: 40, temperature: 0 };
    const chunks = await client.chunks(chat, call);
    const text = chunks.map(({ choices }) => choices[0]?.delta?.content ?? "").join("");
    expect(text).toBe((await client.whole(chat, call)).choices[0]?.message?.content);
  });
  promise("a stream of two choices ends both", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, { ...ask, n: 2, max_tokens: 4, temperature: 1 });
    const ended = chunks.flatMap(({ choices }) => choices).filter(({ finish_reason }) => finish_reason !== null);
    expect(ended.map(({ index }) => index).sort()).toEqual([0, 1]);
  });
  promise("a streamed completion has no role chunk, and ends as chat does", async ({ client, model }) => {
    const chunks = await client.chunks(completions, {
      model,
      prompt: "Once upon",
      max_tokens: 4,
      ignore_eos: true,
      stream_options: { include_usage: true },
    });
    expect(chunks[0]?.object).toBe("text_completion");
    expect(typeof chunks[0]?.choices[0]?.text).toBe("string");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
  });
}

/** How tokens are drawn, stopped and told. */
export function promiseSampling(promise: Promised) {
  promise("the same seed gives the same answer", async ({ client, ask }) => {
    const call = { ...ask, seed: 42, temperature: 1, max_tokens: 20 };
    const [one, other] = await Promise.all([client.whole(chat, call), client.whole(chat, call)]);
    expect(one.choices[0]?.message?.content).toBe(other.choices[0]?.message?.content);
  });
  promise("n choices are told apart by index and all counted", async ({ client, ask }) => {
    const { choices, usage } = await client.whole(chat, {
      ...ask,
      n: 3,
      temperature: 1,
      max_tokens: 4,
      ignore_eos: true,
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(usage?.completion_tokens).toBe(12);
  });
  promise("a stop string ends the answer, is named, and is not in it", async ({ client, ask }) => {
    const free = await client.whole(chat, { ...ask, temperature: 0, max_tokens: 40, ignore_eos: true });
    const text = free.choices[0]?.message?.content ?? "";
    const stop = text.slice(9, 13);
    const { choices } = await client.whole(chat, { ...ask, temperature: 0, max_tokens: 40, ignore_eos: true, stop });
    expect(choices[0]).toMatchObject({
      finish_reason: "stop",
      stop_reason: stop,
      message: { content: text.slice(0, text.indexOf(stop)) },
    });
  });
  promise("a streamed answer holds back what may become a stop string", async ({ client, ask }) => {
    const free = await client.whole(chat, { ...ask, temperature: 0, max_tokens: 40, ignore_eos: true });
    const stop = (free.choices[0]?.message?.content ?? "").slice(7, 15);
    const chunks = await client.chunks(chat, {
      ...ask,
      temperature: 0,
      max_tokens: 40,
      ignore_eos: true,
      stop: [stop],
    });
    const text = chunks.map(({ choices }) => choices[0]?.delta?.content ?? "").join("");
    expect(text).toBe((free.choices[0]?.message?.content ?? "").split(stop)[0]);
  });
  promise("logprobs come one for each token, with as many alternatives as asked for", async ({ client, ask }) => {
    const { choices } = await client.whole(chat, {
      ...ask,
      temperature: 0,
      max_tokens: 4,
      ignore_eos: true,
      logprobs: true,
      top_logprobs: 2,
    });
    const entries = choices[0]?.logprobs?.content ?? [];
    expect(entries).toHaveLength(4);
    expect(entries.every(({ logprob, top_logprobs }) => logprob <= 0 && top_logprobs.length === 2)).toBe(true);
  });
}

/** How tokens are counted, given back and found again. */
export function promiseTokens(promise: Promised) {
  promise("/tokenize counts what usage bills, for chat and for text", async ({ client, ask, model }) => {
    const counted = (await (await client.post("/tokenize", ask)).json()) as { count: number };
    expect((await client.whole(chat, { ...ask, max_tokens: 1 })).usage?.prompt_tokens).toBe(counted.count);
    const text = (await (
      await client.post("/tokenize", { model, prompt: "Zwölf Boxkämpfer 🥊 jagen 1234" })
    ).json()) as { count: number; tokens: number[] };
    expect((await client.whole(completions, { model, prompt: text.tokens, max_tokens: 1 })).usage?.prompt_tokens).toBe(
      text.count,
    );
  });
  promise("/detokenize undoes /tokenize", async ({ client, model }) => {
    const prompt = "Zwölf Boxkämpfer 🥊 jagen\n1234  times";
    const { tokens } = (await (await client.post("/tokenize", { model, prompt })).json()) as { tokens: number[] };
    expect(await (await client.post("/detokenize", { model, tokens })).json()).toEqual({ prompt });
  });
  promise("return_token_ids gives the prompt's ids once and every generated one", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, {
      ...ask,
      max_tokens: 12,
      ignore_eos: true,
      return_token_ids: true,
      stream_options: { include_usage: true },
    });
    expect(chunks[0]?.prompt_token_ids).toHaveLength(chunks.at(-1)?.usage?.prompt_tokens ?? -1);
    expect(chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? [])).toHaveLength(12);
  });
  promise(
    "a greedy answer goes on from its own token ids exactly where it left off",
    async ({ client, ask, model }) => {
      const chunks = await client.chunks(chat, {
        ...ask,
        temperature: 0,
        max_tokens: 24,
        ignore_eos: true,
        return_token_ids: true,
      });
      const ids = chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? []);
      const prompt = [...(chunks[0]?.prompt_token_ids ?? []), ...ids.slice(0, 10)];
      const { choices } = await client.whole(completions, {
        model,
        prompt,
        temperature: 0,
        max_tokens: 14,
        ignore_eos: true,
        return_token_ids: true,
      });
      expect(choices[0]?.token_ids).toEqual(ids.slice(10));
    },
  );
  promise("a prompt seen before is found in the cache, unless its salt is another", async ({ client, model }) => {
    const prompt = `${Date.now()} ${"The gate of the mill holds the water back. ".repeat(30)}`;
    const cached = async (cache_salt: string) =>
      (await client.whole(completions, { model, prompt, max_tokens: 1, cache_salt })).usage?.prompt_tokens_details
        ?.cached_tokens;
    expect(await cached("org-a")).toBe(0);
    expect(await cached("org-a")).toBeGreaterThan(100);
    expect(await cached("org-b")).toBe(0);
  });
}
