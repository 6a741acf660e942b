import { expect, test } from "vitest";
import { commands } from "#clients/cli/commands/all.ts";
import type { Command } from "#clients/cli/commands/command.ts";
import { writeCommandHelp, writeHelp } from "#clients/cli/help.ts";
import { commonOptions } from "#clients/cli/input/flags.ts";

const command: Command = {
  name: "cats feed",
  usage: "[CAT] [FOOD]",
  about: "Feeds a cat.",
  more: ["Cats come when they like."],
  options: {
    portion: { value: "GRAMS", isMany: true, about: "How much." },
    quietly: { about: "Without a bell." },
  },
  words: 2,
  question: () => ({ method: "GET", path: "/cats" }),
  show: () => ({ columns: [], rows: [] }),
};

test("the help has every command with what it does, in one line each, and every common option", () => {
  const lines = writeHelp(commands).split("\n");
  for (const { name, about } of commands)
    expect(lines.filter((line) => line.startsWith(`  ${name} `) && line.endsWith(about)).length, name).toBe(1);
  for (const name of Object.keys(commonOptions))
    expect(lines.some((line) => line.startsWith(`  --${name}`))).toBe(true);
});

test("what the commands do stands in one column", () => {
  const lines = writeHelp(commands).split("\n");
  const columns = commands.map(({ name, about }) =>
    lines.find((line) => line.startsWith(`  ${name} `))?.lastIndexOf(about),
  );
  expect(new Set(columns).size).toBe(1);
});

test("a command's help has its usage, its remarks, its own options and the common ones", () => {
  const text = writeCommandHelp(command);
  expect(text.split("\n").slice(0, 8)).toEqual([
    "Usage: penstock cats feed [CAT] [FOOD] [options]",
    "",
    "Feeds a cat.",
    "Cats come when they like.",
    "",
    "Options:",
    "  --portion GRAMS  How much. May be given again.",
    "  --quietly        Without a bell.",
  ]);
  expect(text).toContain("Options of every command:\n  --edge URL");
});

test("a command without options of its own has no empty list of them", () => {
  const text = writeCommandHelp({ ...command, usage: "", options: {} });
  expect(text).toContain("Usage: penstock cats feed [options]\n");
  expect(text).not.toContain("\nOptions:\n");
});
