import type { Command } from "./command.ts";
import { fleetCommands } from "./fleet.ts";
import { keyCommands } from "./keys.ts";
import { orgCommands } from "./orgs.ts";
import { usageCommands } from "./usage.ts";
import { webhookCommands } from "./webhooks.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  ...fleetCommands,
  ...orgCommands,
  ...keyCommands,
  ...usageCommands,
  ...webhookCommands,
];
