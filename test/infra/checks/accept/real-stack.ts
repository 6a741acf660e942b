import { writeFileSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { openOwnStack } from "#test/support/stack/stack.ts";
import type { Place } from "#test/support/stack/world.ts";
import { chatEngines, overEngines } from "./engines.ts";

declare module "vitest" {
  interface ProvidedContext {
    place: Place;
  }
}

/**
 * One stack over the two real engines for all journeys that kill nothing. Its log is kept, for whoever has to find out
 * why one failed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { world, close, logs } = await openOwnStack(await overEngines(chatEngines()));
  project.provide("place", world.place);
  return async () => {
    await close();
    const file = process.env["PENSTOCK_ACCEPT_STACK_LOG"];
    if (file !== undefined) writeFileSync(file, `${logs.join("\n")}\n`);
  };
}
