import { expect, test } from "vitest";
import { Limits } from "#edge/agreements/records/quota.ts";
import {
  aboutWindows,
  currencyIn,
  given,
  nextPage,
  orgPath,
  pageOptions,
  pageQuery,
  windowColumns,
} from "#clients/cli/commands/command.ts";
import { Flags, UsageError } from "#clients/cli/input/flags.ts";

const flags = (line: string[]) => new Flags(line, pageOptions);
const pathOf = (line: string[], org?: string) => orgPath({ flags: flags(line), org, nowMs: 0 });

test("the org that is named comes before the one that is meant", () => {
  expect(pathOf(["org_0123456789"], "org_abcdefghij")).toBe("/control/orgs/org_0123456789");
  expect(pathOf([], "org_abcdefghij")).toBe("/control/orgs/org_abcdefghij");
});

test("an org that is missing or no id is refused, and nothing else of the path can be named", () => {
  expect(() => pathOf([])).toThrow(/^ORG is missing/);
  for (const word of ["org_012345678", "org_0123456789/keys", "../keys", "key_0123456789", "org_01234567 9"])
    expect(() => pathOf([word]), word).toThrow(UsageError);
});

test("a page has 1 to 1000 rows, and begins where it is told", () => {
  expect(pageQuery(flags(["--rows", "1000", "--cursor", "c"]))).toEqual({ limit: "1000", cursor: "c" });
  expect(pageQuery(flags([]))).toEqual({ limit: undefined, cursor: undefined });
  for (const rows of ["0", "1001", "-1", "1.5", "many", "01"])
    expect(() => pageQuery(flags([`--rows=${rows}`])), rows).toThrow(/^--rows takes a whole number/);
});

test("only fields that were given are sent; null is given", () => {
  expect(given({ a: undefined, b: null, c: 0, d: "" })).toEqual({ b: null, c: 0, d: "" });
});

test("a list that goes on says how, one that ends says nothing", () => {
  expect(nextPage({ nextCursor: "1.org_a" })).toEqual(["There is more: --cursor 1.org_a"]);
  expect(nextPage({ nextCursor: null })).toEqual([]);
  expect(nextPage(undefined)).toEqual([]);
});

test("the currency is the answer's own, and harmless to a terminal", () => {
  expect(currencyIn({ currency: "EUR" })).toEqual({ currency: "EUR" });
  expect(currencyIn({ currency: "\u001b[2J" })).toEqual({ currency: "\ufffd[2J" });
});

test("every limit of an org has its column and stands in the help", () => {
  const names = Object.keys(Limits.shape).toSorted();
  expect(windowColumns.map(([name]) => name).toSorted()).toEqual(names);
  for (const name of names) expect(aboutWindows.join("\n")).toContain(name);
});
