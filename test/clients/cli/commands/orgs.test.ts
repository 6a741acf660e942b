import { expect, test } from "vitest";
import { orgCommands } from "#clients/cli/commands/orgs.ts";
import { Flags, UsageError } from "#clients/cli/input/flags.ts";

function ask(...line: string[]) {
  const command = orgCommands.find(({ name }) => name === "orgs retain");
  if (!command) throw new Error("no such command");
  return command.question({ flags: new Flags(line, command.options), org: "org_abcdefghij", nowMs: 0 });
}

test("for how long responses are stored is said in hours, or that none are; one of both", () => {
  const path = "/control/orgs/org_0123456789/response-retention";
  expect(ask("org_0123456789", "--hours", "24")).toEqual({ method: "PUT", path, body: { hours: 24 } });
  expect(ask("org_0123456789", "--none")).toEqual({ method: "PUT", path, body: { hours: null } });
  expect(ask("--hours", "720").path).toBe("/control/orgs/org_abcdefghij/response-retention");
  for (const line of [[], ["--hours", "0"], ["--hours", "1.5"], ["--hours", "-1"], ["--hours", "24", "--none"]])
    expect(() => ask("org_0123456789", ...line), line.join(" ")).toThrow(UsageError);
});
