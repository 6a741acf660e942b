import { expect, it } from "vitest";
import { clean, listOf, read, writeFields, writeTable } from "#clients/cli/table.ts";

it("aligns columns by characters, numbers to the right", () => {
  const rows = [
    { id: "a", n: 5, deep: { x: true } },
    { id: "🦑🦑", n: 1_000, deep: { x: null } },
  ];
  expect(
    writeTable(
      [
        ["ID", "id"],
        ["N", "n"],
        ["X", "deep.x"],
      ],
      rows,
      "none",
    ),
  ).toBe("ID     N  X\na      5  yes\n🦑🦑  1000  -");
  expect(writeTable([["ID", "id"]], [], "There is nothing.")).toBe("There is nothing.");
  expect(
    writeFields(
      [
        ["id", "id"],
        ["longer", "n"],
      ],
      rows[0],
    ),
  ).toBe("id      a\nlonger  5");
});

it("lets nothing move the cursor or turn the text round", () => {
  expect(clean("a\u001b[2Jb\r\nc\u202ed\u009b")).toBe("a\ufffd[2Jb\ufffd\ufffdc\ufffdd\ufffd");
  expect([clean(undefined), clean(["a", "b"]), clean({ a: 1 })]).toEqual(["-", "a,b", '{"a":1}']);
});

it("reads what is there and nothing of the prototype's", () => {
  expect([
    read({ a: { b: 1 } }, "a.b"),
    read(null, "a"),
    read("x", "length"),
    listOf({ rows: 1 }, "rows"),
    listOf({ rows: [1] }, "rows"),
  ]).toEqual([1, undefined, undefined, [], [1]]);
});
