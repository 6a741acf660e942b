import type { TestProject } from "vitest/node";
import { openOwnStack } from "./stack.ts";
import type { Place } from "./world.ts";

declare module "vitest" {
  interface ProvidedContext {
    place: Place;
  }
}

/**
 * One stack for all journeys that break nothing; each makes orgs of its own. Journeys with faults open their own
 * (stack.ts).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { world, close } = await openOwnStack();
  project.provide("place", world.place);
  return close;
}
