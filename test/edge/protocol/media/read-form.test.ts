import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fileBytesMax } from "#edge/limits.ts";
import { describeForm, readForm, refuseLargeFile } from "#edge/protocol/media/read-form.ts";
import { UploadedFile } from "#edge/protocol/media/upload.ts";
import { writeForm } from "#edge/protocol/media/write-form.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const encoder = new TextEncoder();
const head = 'content-disposition: form-data; name="file"; filename="a.mp3"';

async function encode(form: FormData) {
  const response = new Response(form);
  return { bytes: new Uint8Array(await response.arrayBuffer()), type: response.headers.get("content-type") };
}

function form(...parts: [name: string, value: string | Blob][]) {
  const made = new FormData();
  for (const [name, value] of parts) made.append(name, value);
  return encode(made);
}

const file = new File(["ID3 sound"], "my song.mp3");
const raw = (body: string, type: string | null = "multipart/form-data; boundary=b") =>
  readForm(new Uint8Array(encoder.encode(body)), type);

describe("a form", () => {
  test.each([
    [["file", file] as const, ["model", "whisper"] as const],
    [["model", "whisper"] as const, ["file", file] as const],
  ])("is read in any order", async (one, other) => {
    const { bytes, type } = await form([...one], [...other]);
    const read = await readForm(bytes, type);
    expect(read).toMatchObject({ model: "whisper", file: { extension: "mp3" } });
    expect(read["file"]).toBeInstanceOf(UploadedFile);
  });

  test("has lists where names end so, and texts in any script", async () => {
    const list = "timestamp_granularities[]";
    const { bytes, type } = await form([list, "word"], ["prompt", "größer 深い"], [list, "segment"]);
    expect(await readForm(bytes, type)).toEqual({ [list]: ["word", "segment"], prompt: "größer 深い" });
  });

  test("says the same whatever its boundary and order, and another thing with another byte", async () => {
    const [one, other, third] = await Promise.all([
      form(["file", file], ["model", "whisper"]),
      form(["model", "whisper"], ["file", file]),
      form(["model", "whisper"], ["file", new File(["ID3 sounD"], "a.mp3")]),
    ]);
    const describeIt = async ({ bytes, type }: typeof one) =>
      Buffer.from(describeForm(await readForm(bytes, type))).toString();
    expect(await describeIt(one)).toBe(await describeIt(other));
    expect(await describeIt(one)).not.toBe(await describeIt(third));
  });

  test.each([
    ["JSON", "{}", "application/json"],
    ["no type", "--b--", null],
    ["no boundary", "--b--", "multipart/form-data"],
    ["a boundary of 71 characters", "--b--", `multipart/form-data; boundary=${"b".repeat(71)}`],
    ["a boundary with a line end", "--b--", 'multipart/form-data; boundary="b\r\nx"'],
    ["nothing", "", undefined],
    ["another boundary", "--c\r\n\r\n\r\n--c--", undefined],
    ["a form that breaks off in its text", `--b\r\n${head}\r\n\r\nsound`, undefined],
    ["a form that breaks off in its headers", `--b\r\n${head}`, undefined],
    ["headers without an end", `--b\r\n${head}\r\nx: ${"y".repeat(5_000)}\r\n\r\nsound\r\n--b--`, undefined],
    ["a part without a name", "--b\r\ncontent-type: text/plain\r\n\r\nx\r\n--b--", undefined],
    ["65 parts", `${'--b\r\ncontent-disposition: form-data; name="a[]"\r\n\r\nx\r\n'.repeat(65)}--b--`, undefined],
  ])("of %s is refused", async (_, body, type) => {
    await expectRefusal(() => raw(body, type), "invalid_value", undefined);
  });

  test.each([
    [
      [
        ["file", file],
        ["file", file],
      ],
      "file",
    ],
    [
      [
        ["model", "a"],
        ["model", "b"],
      ],
      "model",
    ],
    [[["mask", file]], "mask"],
  ] as [[string, string | Blob][], string][])("with %j is refused by the name of its part", async (parts, param) => {
    const { bytes, type } = await form(...parts);
    await expectRefusal(() => readForm(bytes, type), "invalid_value", param);
  });

  test("with a million parts is refused before it is parsed", async () => {
    const startedAtMs = performance.now();
    await expectRefusal(() => raw("--b\r\n\r\n".repeat(1_000_000)), "invalid_value", undefined);
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  test("with a file of more than 25 MiB is refused in OpenAI's words", async () => {
    const { bytes, type } = await form(["file", new File([new Uint8Array(fileBytesMax + 1)], "a.wav")]);
    await expectRefusal(() => readForm(bytes, type), "request_too_large", "file");
    expect(refuseLargeFile(26_214_401).details.message).toBe(
      "Maximum content size limit (26214400) exceeded (26214401 bytes read).",
    );
  });

  test("of any bytes is read, or refused as a form: nothing else is thrown", async () => {
    const pieces = fc.array(
      fc.constantFrom(
        "--b",
        "--b--",
        "\r\n",
        "\r\n\r\n",
        head,
        'content-disposition: form-data; name="x"',
        "--",
        "x",
        '"',
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        const outcome = await raw(parts.join("")).then(
          () => "read",
          (cause: { code?: string }) => cause.code,
        );
        expect(["read", "invalid_value"]).toContain(outcome);
      }),
    );
  });

  test("of ours is read as it was written, whatever its bytes and texts are", async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.string({ unit: "grapheme" }), async (sound, prompt) => {
        const sent = new UploadedFile(new Uint8Array(sound), "a.mp3");
        const written = writeForm({ prompt, "list[]": ["a", "b"] }, sent, "penstock-0123456789");
        const read = await readForm(written.bytes, written.contentType);
        expect(read).toMatchObject({ prompt, "list[]": ["a", "b"] });
        const back = read["file"];
        expect(back instanceof UploadedFile && Buffer.from(back.bytes).equals(Buffer.from(sound))).toBe(true);
      }),
    );
  });
});
