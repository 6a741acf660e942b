import { expect } from "vitest";
import { chat, completions, type Promised } from "./promise.ts";

const refusals: [
  what: string,
  path: string,
  change: Record<string, unknown>,
  status: number,
  type: string,
  param: string | null,
][] = [
  ["an unknown model", chat, { model: "nope" }, 404, "NotFoundError", "model"],
  ["an unknown model, streamed", chat, { model: "nope", stream: true }, 404, "NotFoundError", "model"],
  ["no messages", chat, { messages: undefined }, 400, "Bad Request", "body.messages"],
  ["an empty conversation", chat, { messages: [] }, 400, "BadRequestError", null],
  ["a field of another type", chat, { temperature: "hot" }, 400, "Bad Request", "body.temperature"],
  ["max_tokens of 0", chat, { max_tokens: 0 }, 400, "BadRequestError", "max_tokens"],
  ["max_tokens above the context", chat, { max_tokens: 9_999_999 }, 400, "BadRequestError", "max_tokens"],
  ["a temperature above 2", chat, { temperature: 3 }, 400, "BadRequestError", "temperature"],
  ["several greedy choices", chat, { n: 2, temperature: 0 }, 400, "BadRequestError", null],
  [
    "stream_options without stream",
    chat,
    { stream_options: { include_usage: true } },
    400,
    "BadRequestError",
    "stream_options",
  ],
  ["a tool_choice without tools", chat, { tool_choice: "auto" }, 400, "BadRequestError", "tool_choice"],
  ["an empty cache_salt", chat, { cache_salt: "" }, 400, "BadRequestError", "cache_salt"],
  ["a cache_salt with a slash", chat, { cache_salt: "a/b" }, 400, "BadRequestError", "cache_salt"],
  ["more than four stop strings", chat, { stop: ["a", "b", "c", "d", "e"] }, 400, "Bad Request", "body.stop"],
  ["a prompt beyond the context", completions, { prompt: "7 ".repeat(6_000) }, 400, "BadRequestError", "input_tokens"],
  [
    "a prompt so long that it need not be counted",
    completions,
    { prompt: "7 ".repeat(200_000) },
    400,
    "BadRequestError",
    "input_text",
  ],
  ["an empty prompt", completions, { prompt: "" }, 400, "BadRequestError", "prompt"],
];

/** What is refused, and how. */
export function promiseRefusals(promise: Promised) {
  for (const [what, path, change, status, type, param] of refusals) {
    promise(`${what} is refused with ${status}, before any stream begins`, async ({ client, ask }) => {
      const response = await client.post(path, { ...ask, ...change });
      expect(response.status).toBe(status);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(await response.json()).toMatchObject({ error: { type, param, code: status } });
    });
  }
  promise(
    "what only the engine itself finds at fault is a 400, in a stream its first event behind a 200, and [DONE] follows",
    async ({ client, ask, model }) => {
      const faults: [path: string, body: Record<string, unknown>, param: string | null][] = [
        [completions, { model, prompt: [2_000_000_000], max_tokens: 1 }, null],
        [chat, { ...ask, logprobs: true, top_logprobs: 21 }, "logprobs"],
        [
          chat,
          {
            ...ask,
            response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "nonsense" } } },
          },
          null,
        ],
        [chat, { ...ask, allowed_token_ids: [] }, "allowed_token_ids"],
      ];
      for (const [path, body, param] of faults) {
        const error = { type: "BadRequestError", param, code: 400 };
        const response = await client.post(path, body);
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({ error });
        const [first, ...rest] = await client.events(path, body);
        expect(JSON.parse(first ?? "")).toMatchObject({ error });
        expect(rest).toEqual(["[DONE]"]);
      }
    },
  );
  promise(
    "a prompt that fills the context to its last token is refused as a max_tokens of 0",
    async ({ client, model }) => {
      const { data } = (await (await fetch(`${client.url}/v1/models`)).json()) as {
        data: { id: string; max_model_len: number }[];
      };
      const prompt = Array<number>(data[0]?.max_model_len ?? 0).fill(300);
      const response = await client.post(completions, { model, prompt, max_tokens: 1 });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: {
          message: "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
          param: "max_tokens",
        },
      });
    },
  );
  promise("JSON that is none is refused with 400", async ({ client }) => {
    const response = await client.post(chat, null, { body: '{"model": ' });
    expect(response.status).toBe(400);
  });
  promise("an unknown route is FastAPI's 404, a wrong method its 405", async ({ client }) => {
    expect(await (await client.post("/v1/nope", {})).json()).toEqual({ detail: "Not Found" });
    expect((await fetch(client.url + chat)).status).toBe(405);
  });
}
