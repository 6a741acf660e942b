import { expect, test } from "vitest";
import { commands } from "#clients/cli/commands/all.ts";
import { Flags, UsageError } from "#clients/cli/input/flags.ts";

const org = "org_abcdefghij";
const budget = `bud_${"0".repeat(22)}`;

function ask(name: string, ...line: string[]) {
  const command = commands.find((each) => each.name === name);
  if (!command || !("question" in command)) throw new Error("no such command");
  return command.question({ flags: new Flags(line, command.options), org, nowMs: Date.UTC(2026, 10, 30) });
}

test("usage over time is asked for by hour or day, and by what it is grouped by", () => {
  expect(ask("usage series", "--by", "hour", "--group", "key", "--from", "12h")).toMatchObject({
    path: `/control/orgs/${org}/usage/series`,
    query: { by: "hour", group: "key", from: "2026-11-29T12:00:00.000Z" },
  });
  expect(ask("usage series").query).toMatchObject({ by: "day", group: undefined });
  for (const line of [
    ["--by", "week"],
    ["--group", "colour"],
  ])
    expect(() => ask("usage series", ...line)).toThrow(UsageError);
});

test("an export is passed on as text, and a call is named by its request or its hold", () => {
  expect(ask("usage export", "--format", "jsonl")).toMatchObject({ isText: true, query: { format: "jsonl" } });
  const call = `req_${"0".repeat(22)}`;
  expect(ask("usage call", "--id", call).path).toBe(`/control/orgs/${org}/usage/calls/${call}`);
  for (const id of ["req_1", "../keys", ""]) expect(() => ask("usage call", "--id", id)).toThrow(UsageError);
  expect(() => ask("usage call")).toThrow(UsageError);
});

test("costs are those of a month; a statement needs one", () => {
  expect(ask("costs show", "--month", "2026-11", "--group", "project")).toMatchObject({
    path: `/control/orgs/${org}/costs`,
    query: { month: "2026-11", group: "project" },
  });
  expect(() => ask("costs show", "--month", "2026-13")).toThrow(UsageError);
  expect(() => ask("statements show")).toThrow(UsageError);
  const path = `/control/orgs/${org}/statements/2026-11`;
  expect(ask("statements show", "--month", "2026-11")).toEqual({ method: "GET", path });
  const page = ["--month", "2026-11", "--format", "html"];
  expect(ask("statements show", ...page)).toEqual({ method: "GET", path, query: { format: "html" }, isText: true });
});

test("a price is set in whole millionths, at a moment or in a minute", () => {
  const line = ["qwen", "--tier", "shared", "--prompt", "30", "--completion", "50"];
  const body = { model: "qwen", tier: "shared", promptMicrosPerMTok: 30, completionMicrosPerMTok: 50 };
  expect(ask("prices set", ...line)).toEqual({ method: "POST", path: "/control/prices", body });
  expect(ask("prices set", ...line, "--cached", "3", "--from", "1h").body).toEqual({
    ...body,
    cachedMicrosPerMTok: 3,
    from: "2026-11-30T01:00:00.000Z",
  });
  expect(() => ask("prices set", ...line, "--cached", "0.5")).toThrow(UsageError);
  expect(() => ask("prices set", ...line, "--from", "soon")).toThrow(UsageError);
});

test("a budget is created, changed and deleted, and only what was said is sent", () => {
  const path = `/control/orgs/${org}/budgets`;
  expect(ask("budgets create", "--amount-micros", "5", "--share", "80", "--share", "100", "--stop")).toEqual({
    method: "POST",
    path,
    body: { amountMicros: 5, sharesPercent: [80, 100], isStop: true },
  });
  expect(ask("budgets change", "--id", budget, "--no-stop")).toEqual({
    method: "PATCH",
    path: `${path}/${budget}`,
    body: { isStop: false },
  });
  expect(ask("budgets delete", "--id", budget)).toEqual({ method: "DELETE", path: `${path}/${budget}` });
  expect(() => ask("budgets change", "--id", budget, "--stop", "--no-stop")).toThrow(UsageError);
  expect(() => ask("budgets delete", "--id", "bud_1")).toThrow(UsageError);
  expect(() => ask("budgets create", "--share", "half")).toThrow(UsageError);
});
