import { expect, test } from "vitest";
import { writeCsvLine } from "#edge/control/csv.ts";

test("a cell that a spreadsheet would run is text, and what would end a cell is quoted", () => {
  expect(writeCsvLine(["a", 1, -2, null, "x,y", 'say "so"', "two\nlines"])).toBe(
    'a,1,-2,,"x,y","say ""so""","two\nlines"\r\n',
  );
  for (const formula of ["=1+1", "+1", "-1", "@sum", " =1", "\t=1", "\r=1"]) {
    const line = writeCsvLine([formula]);
    expect(line.replace(/^"/, "").startsWith("'"), JSON.stringify(formula)).toBe(true);
  }
});
