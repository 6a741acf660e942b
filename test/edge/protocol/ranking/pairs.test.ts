import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listPairs, readTexts } from "#edge/protocol/ranking/pairs.ts";

describe("pairs of a body", () => {
  test.each([
    [
      { query: "q", documents: ["a", { text: "b" }] },
      [
        ["q", "a"],
        ["q", "b"],
      ],
    ],
    [{ text_1: "x", text_2: "y" }, [["x", "y"]]],
    [
      { text_1: ["x"], text_2: ["y", "z"] },
      [
        ["x", "y"],
        ["x", "z"],
      ],
    ],
    [
      { text_1: ["x", "w"], text_2: ["y", "z"] },
      [
        ["x", "y"],
        ["w", "z"],
      ],
    ],
    [{ input: "x" }, null],
    [{ messages: [] }, null],
    [{ query: "q", documents: [] }, null],
  ])("of %j are %j", (body, pairs) => {
    expect(listPairs(body)).toEqual(pairs);
  });

  test("are as many as there are documents, each beside the query", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.array(fc.string({ minLength: 1 }), { minLength: 1 }),
        (query, documents) => {
          expect(listPairs({ query, documents })).toEqual(documents.map((document) => [query, document]));
        },
      ),
    );
  });
});

test("texts are read from texts and documents, and from nothing else", () => {
  expect(readTexts(["a", { text: "b" }, 7, null, { body: "c" }])).toEqual(["a", "b"]);
  expect(readTexts("a")).toEqual(["a"]);
  expect(readTexts(undefined)).toEqual([]);
});
