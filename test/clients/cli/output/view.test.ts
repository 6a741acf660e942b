import { expect, it } from "vitest";
import { writeCsv, writeText, type View } from "#clients/cli/output/view.ts";

const view: View = {
  columns: [
    ["NAME", "name"],
    ["MODELS", "models"],
    ["COST", "costMicros", "money"],
  ],
  rows: [{ name: 'a, "b"', models: ["x", "y"], costMicros: 1_500_000, secret: "s" }],
  notes: ["More."],
  currency: "EUR",
};

it("heads money with its currency, and says its notes below", () => {
  expect(writeText(view)).toBe('NAME    MODELS  COST EUR\na, "b"  x,y         1.50\n\nMore.');
  expect(writeText({ ...view, isOne: true, notes: [] })).toContain("COST EUR  1.50");
  expect(writeText({ ...view, rows: [], none: "None." })).toBe("None.\n\nMore.");
});

it("writes the API's own values as RFC 4180 has them, the currency beside the money", () => {
  expect(writeCsv(view)).toBe('name,models,costMicros,currency\r\n"a, ""b""",x y,1500000,EUR');
  expect(writeCsv({ ...view, rows: [{ name: null }] })).toBe("name,models,costMicros,currency\r\n,,,EUR");
  expect(writeCsv({ columns: [["ID", "id"]], csvOnly: [["S", "secret"]], rows: [] })).toBe("id,secret");
});

it("marks a name that a spreadsheet would run as text", () => {
  for (const name of ["=1+1", "+1", "-1", "@x"])
    expect(writeCsv({ columns: [["NAME", "name"]], rows: [{ name }] })).toBe(`name\r\n'${name}`);
  expect(writeCsv({ columns: [["N", "n"]], rows: [{ n: -1 }] })).toBe("n\r\n-1");
});
