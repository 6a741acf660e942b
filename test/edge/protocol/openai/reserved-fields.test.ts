import { describe, expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import {
  reservedFields,
  refuseGuided,
  refuseRemoteMedia,
  stripReserved,
} from "#edge/protocol/openai/reserved-fields.ts";

const png = "data:image/png;base64,AAAA";

function refusalOf(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("owned fields", () => {
  test("every owned field is taken out, everything else stays as it was", () => {
    const body: Record<string, unknown> = {
      model: "m",
      messages: [],
      top_k: 4,
      repetition_penalty: 1.1,
      brand_new_field: { a: 1 },
    };
    const dirty = { ...body };
    for (const name of reservedFields) dirty[name] = "from the caller";
    expect(stripReserved(dirty)).toEqual(body);
    expect(Object.keys(dirty)).toContain("cache_salt");
  });

  test.each(["guided_json", "guided_regex", "guided_choice", "guided_grammar", "guided_decoding_backend"])(
    "%s is refused by name and points to structured_outputs",
    (name) => {
      const refusal = refusalOf(() => refuseGuided({ [name]: "x" }));
      expect(refusal.code).toBe("unsupported_parameter");
      expect(refusal.details.param).toBe(name);
      expect(refusal.details.message).toContain("structured_outputs");
    },
  );

  test("a body without guided fields passes, and so does what is no object", () => {
    for (const body of [{ model: "guided_json" }, null, "guided_json", ["guided_json"]])
      expect(() => refuseGuided(body)).not.toThrow();
  });

  test("a chat template does not come in through chat_template_kwargs", () => {
    const clean = stripReserved({
      chat_template_kwargs: { chat_template: "{{ x }}", tokenize: true, enable_thinking: false },
    });
    expect(clean["chat_template_kwargs"]).toEqual({ enable_thinking: false });
  });

  test("a member called __proto__ changes no prototype", () => {
    const clean = stripReserved(JSON.parse('{"__proto__":{"isAdmin":true},"model":"m"}'));
    expect(Object.getPrototypeOf(clean)).toBe(Object.prototype);
    expect("isAdmin" in clean).toBe(false);
  });
});

describe("media", () => {
  test.each([
    ["an http address", { type: "image_url", image_url: { url: "http://10.0.0.1/a.png" } }, "image_url.url"],
    ["an https address", { type: "image_url", image_url: { url: "https://example.com/a.png" } }, "image_url.url"],
    ["a file", { type: "image_url", image_url: { url: "file:///etc/passwd" } }, "image_url.url"],
    ["a bare string", { type: "image_url", image_url: "https://example.com/a.png" }, "image_url"],
    ["a part without a type", { image_url: "https://example.com/a.png" }, "image_url"],
    ["a video", { type: "video_url", video_url: { url: "https://example.com/a.mp4" } }, "video_url.url"],
    ["an audio file", { type: "audio_url", audio_url: { url: "ftp://example.com/a" } }, "audio_url.url"],
    ["a space before data:", { type: "image_url", image_url: { url: " data:image/png;base64,AA" } }, "image_url.url"],
    ["an address that is no text", { type: "image_url", image_url: { url: ["https://example.com"] } }, "image_url.url"],
    ["no address at all", { type: "image_url", image_url: {} }, "image_url.url"],
  ])("%s is refused with the path of the field", (_, part, member) => {
    const refusal = refusalOf(() =>
      refuseRemoteMedia([
        { role: "system", content: "s" },
        { role: "user", content: [{ type: "text", text: "t" }, part] },
      ]),
    );
    expect(refusal.code).toBe("invalid_value");
    expect(refusal.details.param).toBe(`messages[1].content[1].${member}`);
  });

  test("data: URIs pass, in either form and any case", () => {
    const content = [
      { type: "image_url", image_url: { url: png } },
      { image_url: png.replace("data", "DATA") },
      { type: "text", text: "https://x" },
    ];
    expect(() => refuseRemoteMedia([{ role: "user", content }])).not.toThrow();
  });

  test("tensors are refused", () => {
    const refusal = refusalOf(() =>
      refuseRemoteMedia([{ role: "user", content: [{ type: "image_embeds", image_embeds: "gASV" }] }]),
    );
    expect(refusal.details.param).toBe("messages[0].content[0].image_embeds");
  });

  test("content that is an object instead of a list is looked at too", () => {
    expect(() => refuseRemoteMedia([{ role: "user", content: { image_url: "https://example.com/a.png" } }])).toThrow(
      Refusal,
    );
  });

  test.each([null, "text", 7, [], [null], [[]], [{ content: null }]])(
    "messages of %j are nobody's media",
    (messages) => {
      expect(() => refuseRemoteMedia(messages)).not.toThrow();
    },
  );
});
