import { describe, expect, test } from "vitest";
import {
  checkBias,
  checkBoolean,
  checkChoice,
  checkList,
  checkMembers,
  checkObject,
  checkText,
  checkTexts,
  checkTokenIds,
  isTokenId,
  type Check,
} from "#edge/protocol/openai/members/checks.ts";
import { tokenIdMax } from "#edge/limits.ts";

const paths = (check: Check, values: unknown[]) => values.map((value) => check(value)?.path.join(".") ?? null);

describe("a check finds the first fault and says where", () => {
  const table: [string, Check, unknown[], [unknown, string][]][] = [
    [
      "text",
      checkText(4, 1),
      ["é", "éé", "abcd"],
      [
        ["", ""],
        ["ééa", ""],
        ["abcde", ""],
        [1, ""],
        [null, ""],
      ],
    ],
    ["text that may be empty", checkText(1), ["", "a"], [["é", ""]]],
    [
      "a list",
      checkList(checkBoolean, 2, 1),
      [[true], [true, false]],
      [
        [[], ""],
        [[true, 1], "1"],
        ["x", ""],
      ],
    ],
    [
      "a choice",
      checkChoice("a", "b"),
      ["a", "b"],
      [
        ["c", ""],
        [null, ""],
      ],
    ],
    [
      "an object",
      checkObject,
      [{}],
      [
        [[], ""],
        [null, ""],
        ["x", ""],
      ],
    ],
    [
      "token ids",
      checkTokenIds(2),
      [[], [0, tokenIdMax]],
      [
        [[-1], "0"],
        [[1, 1.5], "1"],
        [[1, 2, 3], ""],
      ],
    ],
    [
      "texts",
      checkTexts(2, 3),
      ["abc", [], ["a", "b"]],
      [
        ["abcd", ""],
        [["a", ""], "1"],
        [["a", "b", "c"], ""],
        [1, ""],
      ],
    ],
    [
      "bias",
      checkBias(1),
      [{}, { 1: -100 }],
      [
        [{ 1: 101 }, "1"],
        [{ x: 1 }, "x"],
        [{ 1: 1, 2: 1 }, ""],
        [[], ""],
      ],
    ],
    [
      "members",
      checkMembers({ a: checkBoolean, b: checkText(9) }, ["a"]),
      [{ a: true }, { a: false, b: null, c: 1 }, { a: true, b: "x" }],
      [
        [{}, "a"],
        [{ a: null }, "a"],
        [{ a: true, b: 1 }, "b"],
        [[], ""],
        [null, ""],
      ],
    ],
  ];
  for (const [name, check, good, bad] of table) {
    test(`of ${name}`, () => {
      expect(paths(check, good)).toEqual(good.map(() => null));
      expect(
        paths(
          check,
          bad.map(([value]) => value),
        ),
      ).toEqual(bad.map(([, path]) => path));
    });
  }
});

test("a token's id is a whole number that is not negative", () => {
  expect([0, 1, tokenIdMax].every(isTokenId)).toBe(true);
  expect([-1, 0.5, tokenIdMax + 1, "1", null, Number.NaN].some(isTokenId)).toBe(false);
});
