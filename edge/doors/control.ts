import { createControlRoutes } from "../control/http/routes.ts";
import { createSignInRoutes } from "../control/sign-in/routes.ts";
import { readMethod, type Operations, type DoorRoute } from "./route.ts";

/** Where the control plane is mounted. */
export const controlPrefix = "/control";

/** The control plane, which keeps its own table of contents. */
export const control = createControlRoutes();

/** Where people sign in. */
export const signInPrefix = "/auth";

/** How people sign in, with a table of contents of its own. */
export const signIn = createSignInRoutes();

/** The rows that both tables of contents come to, one for each path. */
export function listControlRoutes(): DoorRoute[] {
  return [...listRows(control.openAPIRegistry.definitions, controlPrefix, "adminKey"), ...listSignInRows()];
}

/** Who is not signed in takes the steps that lead there; a page of ours sends all of them. */
function listSignInRows(): DoorRoute[] {
  return listRows(signIn.openAPIRegistry.definitions, signInPrefix, "session");
}

type Definitions = typeof control.openAPIRegistry.definitions;

function listRows(definitions: Definitions, prefix: string, usual: "adminKey" | "session"): DoorRoute[] {
  const paths = new Map<string, { operations: Operations; isBootstrap: boolean }>();
  for (const definition of definitions) {
    if (definition.type !== "route") continue;
    const { path, method, operationId = "", summary = "", security } = definition.route;
    const row = paths.get(path) ?? { operations: {}, isBootstrap: false };
    row.operations[readMethod(method)] = { operationId, summary };
    row.isBootstrap ||= security?.some((scheme) => "bootstrapToken" in scheme) ?? false;
    paths.set(path, row);
  }
  return Array.from(paths, ([path, { operations, isBootstrap }]) => ({
    path: prefix + path,
    operations,
    door: "control",
    auth: isBootstrap ? "bootstrapToken" : usual,
    endpoint: null,
    isCounted: true,
    hasCors: false,
  }));
}
