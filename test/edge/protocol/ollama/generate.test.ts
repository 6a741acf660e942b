import { describe, expect, test } from "vitest";
import { ollamaGenerateWire } from "#edge/protocol/ollama/generate.ts";
import { startedAtMs } from "#test/support/fakes/visit.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { png, readAt, translate } from "./world.ts";

const generate = (over: object = {}) => translate(ollamaGenerateWire, { model: "chat", prompt: "hi", ...over });

test("a prompt becomes a chat of one message, behind the system's, with its pictures", () => {
  expect(generate().json).toEqual({ model: "chat", stream: true, messages: [{ role: "user", content: "hi" }] });
  expect(generate({ system: "be", images: [png], options: { num_predict: 4 }, stream: false }).json).toEqual({
    model: "chat",
    stream: false,
    max_tokens: 4,
    messages: [
      { role: "system", content: "be" },
      {
        role: "user",
        content: [
          { type: "text", text: "hi" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
        ],
      },
    ],
  });
});

test("an empty prompt, or none, is answered at once", () => {
  for (const prompt of ["", null, undefined]) {
    const told = { model: "m", created_at: new Date(startedAtMs).toISOString(), response: "", done: true };
    expect(generate({ prompt }).early?.("m", startedAtMs)).toEqual({ ...told, done_reason: "load" });
    const unloaded = generate({ prompt, keep_alive: "0s" }).early?.("m", startedAtMs);
    expect(unloaded).toEqual({ ...told, done_reason: "unload" });
  }
  expect(generate().early).toBeUndefined();
});

describe("what cannot be had, and what is wrong, is named", () => {
  const table: [object, string, string][] = [
    [{ suffix: "x" }, "unsupported_parameter", "suffix"],
    [{ template: "x" }, "unsupported_parameter", "template"],
    [{ raw: true }, "unsupported_parameter", "raw"],
    [{ context: [1] }, "unsupported_parameter", "context"],
    [{ width: 512 }, "unsupported_parameter", "width"],
    [{ prompt: 3 }, "invalid_value", "prompt"],
    [{ prompt: "x".repeat(3_000_000) }, "context_length_exceeded", "prompt"],
    [{ images: ["?"] }, "invalid_value", "images[0]"],
    [{ images: [png], model: "text2sql" }, "unsupported_parameter", "images[0]"],
    [{ images: [png], system: "x", model: "text2sql" }, "unsupported_parameter", "images[0]"],
    [{ options: { top_p: 7 } }, "invalid_value", "options.top_p"],
  ];
  test.each(table)("%#", async (over, code, param) => {
    const refusal = await expectRefusal(
      () => readAt("ollama.generate", { model: "chat", prompt: "x", ...over }),
      code as never,
    );
    expect(refusal.details.param).toBe(param);
  });

  test("but not what says nothing", () => {
    const silent = { suffix: "", template: "", raw: false, context: [], system: "", images: [] };
    expect(generate(silent).json).toEqual(generate().json);
  });
});

test("a refusal of the translated chat is told of the prompt, the system's text or a picture", () => {
  const { rename } = generate({ system: "x" });
  const names = ["messages", "messages[1]", "messages[0].content", "messages[1].content[0].text"].map(rename);
  expect(names).toEqual(["prompt", "prompt", "system", "prompt"]);
  expect(rename("messages[1].content[2].type")).toBe("images[1]");
  expect(rename("response_format.json_schema.schema.type")).toBe("format.type");
});
