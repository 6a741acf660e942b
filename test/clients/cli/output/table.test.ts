import { expect, it } from "vitest";
import { clean, readList, read, show, writeFields, writeMoney, writeTable } from "#clients/cli/output/table.ts";

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
    readList({ rows: 1 }, "rows"),
    readList({ rows: [1] }, "rows"),
  ]).toEqual([1, undefined, undefined, [], [1]]);
});

it("writes micro-units of money exactly, with two digits at least", () => {
  const micros = [0, 1, 5_000_000, 1_234_567, 1_500_000, -250_000, 9_007_199_254_740_991];
  expect(micros.map(writeMoney)).toEqual([
    "0.00",
    "0.000001",
    "5.00",
    "1.234567",
    "1.50",
    "-0.25",
    "9007199254.740991",
  ]);
});

it("shows moments to the second, in UTC, and shares as per cent", () => {
  const row = { at: "2026-01-31T12:00:00.123Z", used: 0.256, name: "2026-01-31T12:00:00.123Z x" };
  const columns = [
    ["AT", "at"],
    ["USED", "used", "share"],
    ["NAME", "name"],
  ] as const;
  expect(writeTable(columns, [row], "").split("\n")[1]).toBe("2026-01-31T12:00:00Z  26 %  2026-01-31T12:00:00.123Z x");
});

it("shows an object as its fields, as the flags take them", () => {
  expect(show({ requestsPerDay: 5, concurrency: null })).toBe("requestsPerDay=5,concurrency=none");
});
