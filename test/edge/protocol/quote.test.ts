import { expect, test } from "vitest";
import { quoteName } from "#edge/protocol/quote.ts";

test("a name is repeated as it came when it is made of what names are made of", () => {
  for (const name of ["chat", "org/Model-7B_v1.5:latest", "modèle", "モデル"]) expect(quoteName(name)).toBe(name);
});

test("what could break a line, a log or a page is not repeated", () => {
  expect(quoteName('<b>\n"\u202e\u0000')).toBe("?b?????");
});

test("a long name is cut, and half a character at the cut is none", () => {
  expect(quoteName("x".repeat(200))).toBe(`${"x".repeat(128)}…`);
  expect(quoteName("𝐀".repeat(2), 3)).toBe("𝐀?…");
});

test("a key that was sent as a name is not repeated", () => {
  expect(quoteName("/v1/sk-pen-0123456789abcdef-secret/x")).toBe("/v1/sk-pen-…/x");
});
