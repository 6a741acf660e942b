import { auditCommands, verifyCommand } from "../audit/commands.ts";
import type { Command, LocalCommand } from "./command.ts";
import { budgetCommands } from "./money/budgets.ts";
import { costCommands } from "./money/costs.ts";
import { fleetCommands } from "./fleet.ts";
import { keyCommands } from "./keys.ts";
import { memberCommands } from "./members.ts";
import { orgCommands } from "./orgs.ts";
import { projectCommands } from "./projects.ts";
import { peopleCommands } from "./people.ts";
import { ssoCommands } from "./sso.ts";
import { usageCommands } from "./usage.ts";
import { webhookCommands } from "./webhooks.ts";

/** Every command, in the order of the help. */
export const commands: readonly (Command | LocalCommand)[] = [
  ...fleetCommands,
  ...orgCommands,
  ...memberCommands,
  ...ssoCommands,
  ...projectCommands,
  ...keyCommands,
  ...usageCommands,
  ...costCommands,
  ...budgetCommands,
  ...peopleCommands,
  ...webhookCommands,
  ...auditCommands,
  verifyCommand,
];
