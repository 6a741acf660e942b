import type { Command } from "./command.ts";
import { keyCommands } from "./key-commands.ts";
import { orgCommands } from "./org-commands.ts";
import { usageCommands } from "./usage-commands.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [...orgCommands, ...keyCommands, ...usageCommands];
