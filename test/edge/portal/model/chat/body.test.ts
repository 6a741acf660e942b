import { expect, test } from "vitest";
import { writeMessages, writeParameters } from "#edge/portal/model/chat/body.ts";

const answered = (text: string) => new Map([["one", { text, state: "complete" }]]);

test("each model sees its own answers; a turn that brought none stands as a question alone", () => {
  const turns = [
    { text: "a", images: [], answers: answered("b") },
    { text: "c", images: [], answers: answered("") },
  ];
  expect(writeMessages(turns, "one", "")).toEqual([
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
    { role: "user", content: "c" },
  ]);
  expect(writeMessages(turns, "other", "be brief").map(({ role }) => role)).toEqual(["system", "user", "user"]);
});

test("pictures go beside the text as parts", () => {
  const [message] = writeMessages(
    [{ text: "what?", images: ["data:image/png;base64,AA=="], answers: new Map() }],
    "m",
    " ",
  );
  expect(message?.content).toEqual([
    { type: "text", text: "what?" },
    { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
  ]);
});

test("what is left empty is not sent, and zero is something", () => {
  expect(writeParameters({ temperature: "0", topP: "", tokensMax: 12, seed: " " })).toEqual({
    temperature: 0,
    max_tokens: 12,
  });
});
