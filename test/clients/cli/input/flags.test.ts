import { describe, expect, it } from "vitest";
import { Flags, readLimits, UsageError } from "#clients/cli/input/flags.ts";

const options = {
  name: { value: "NAME", about: "" },
  limit: { value: "W=N", isMany: true, about: "" },
  suspend: { about: "" },
};

describe("Flags", () => {
  it("reads words and options in any order", () => {
    const flags = new Flags(["a", "--limit", "x=1", "b", "--limit=y=2", "--suspend", "--name", "n"], options);
    expect([flags.words, flags.many("limit"), flags.is("suspend"), flags.one("name")]).toEqual([
      ["a", "b"],
      ["x=1", "y=2"],
      true,
      "n",
    ]);
    expect([flags.is("json"), flags.one("edge"), new Flags([], options).many("limit")]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  });

  it("refuses what makes no sense, in one line", () => {
    for (const line of [["--nothing"], ["--name"], ["--suspend=yes"], ["--name", "--suspend"], ["-x"]]) {
      expect(() => new Flags(line, options)).toThrow(UsageError);
      expect(() => new Flags(line, options)).toThrow(/^[^\n]+$/);
    }
    expect(() => new Flags(["a", "b"], options).refuseMoreThan(1)).toThrow("'b' is one word too many");
    expect(() => new Flags([], options).word(0, "ORG")).toThrow("ORG is missing");
  });
});

it("reads limits as the API takes them", () => {
  expect(readLimits(["requestsPerMinute=60", "concurrency=none"])).toEqual({
    requestsPerMinute: 60,
    concurrency: null,
  });
  expect(readLimits(undefined)).toBeUndefined();
  for (const hostile of ["x", "x=", "x=1.5", "x=-1", "x=1e3", "=1", "x=null", "x=1 "])
    expect(() => readLimits([hostile])).toThrow(UsageError);
});
