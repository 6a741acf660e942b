import { expect, test } from "vitest";
import { readAnswer } from "#infra/checks/storm/crew/outcome.ts";

const chunk = (content: string, usage = "") =>
  `data: {"id":"c","choices":[{"delta":{"content":"${content}"}}]${usage}}\n\n`;

test("a whole stream: what was seen, [DONE], and the usage that was reported", () => {
  const body =
    `: wait\n\n${chunk("")}${chunk("a")}${chunk("b")}data: ` +
    `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n`;
  expect(readAnswer(true, 200, body)).toEqual({
    code: null,
    seen: 2,
    isDone: true,
    reported: { promptTokens: 3, completionTokens: 2 },
  });
});

test("a stream that broke says so, and one that was cut says nothing", () => {
  expect(readAnswer(true, 200, `${chunk("a")}data: {"error":{"code":"stream_broken"}}\n\n`)).toEqual({
    code: "stream_broken",
    seen: 1,
    isDone: false,
    reported: null,
  });
  expect(readAnswer(true, 200, `${chunk("a")}data: {"id":"c","cho`)).toEqual({
    code: null,
    seen: 1,
    isDone: false,
    reported: null,
  });
});

test("whole answers and refusals", () => {
  expect(readAnswer(false, 200, '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')).toEqual({
    code: null,
    seen: 1,
    isDone: true,
    reported: { promptTokens: 3, completionTokens: 2 },
  });
  expect(readAnswer(false, 200, '{"choi')).toEqual({ code: null, seen: 0, isDone: false, reported: null });
  expect(readAnswer(true, 429, '{"error":{"code":"rate_limit_exceeded"}}')).toEqual({
    code: "rate_limit_exceeded",
    seen: 0,
    isDone: false,
    reported: null,
  });
  expect(readAnswer(false, 502, "<html>")).toMatchObject({ code: "unreadable" });
});
