import { expect, test } from "vitest";
import { writeCsv } from "#edge/portal/model/csv.ts";

test("quotes, commas and lines are quoted, gaps are empty, and no cell becomes a formula", () => {
  const rows = [
    ['a "b", c', 1.5, null],
    ["=HYPERLINK(1)", -2, "two\nlines"],
  ];
  expect(writeCsv(["x", "y", "z"], rows)).toBe('x,y,z\r\n"a ""b"", c",1.5,\r\n\'=HYPERLINK(1),-2,"two\nlines"');
});
