/** The requests that the cases are made of. */
export const M = "Qwen/Qwen2.5-7B-Instruct";
export const CHAT = "/v1/chat/completions";
export const COMP = "/v1/completions";

/** A POST of JSON; text goes as it is. */
export const json = (path, value, extra = {}) => ({
  method: "POST",
  path,
  body: typeof value === "string" ? value : JSON.stringify(value),
  ...extra,
  headers: { "content-type": "application/json", ...extra.headers },
});

export const user = (content) => [{ role: "user", content }];
export const HI = user("Hello, how are you?");
export const chat = (more = {}) => json(CHAT, { model: M, messages: HI, max_tokens: 8, temperature: 0, ...more });
export const comp = (more = {}) =>
  json(COMP, { model: M, prompt: "Hello world", max_tokens: 8, temperature: 0, ...more });
export const without = (request, key) => {
  const o = JSON.parse(request.body);
  delete o[key];
  return { ...request, body: JSON.stringify(o) };
};
export const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    strict: true,
    parameters: {
      type: "object",
      properties: { city: { type: "string", enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};
export const CLOCK = {
  type: "function",
  function: {
    name: "get_time",
    strict: true,
    parameters: { type: "object", properties: {}, additionalProperties: false },
  },
};
export const LOOSE = { type: "function", function: { ...WEATHER.function, strict: undefined } };
export const SCHEMA = {
  type: "json_schema",
  json_schema: {
    name: "answer",
    strict: true,
    schema: {
      type: "object",
      properties: { ok: { type: "boolean" }, mood: { type: "string", enum: ["good", "bad"] } },
      required: ["ok", "mood"],
      additionalProperties: false,
    },
  },
};
export const LONG = "The quick answer is that the water was found under the old house near the city. ".repeat(20);
export const LONGER = LONG.repeat(12);
