import { openAiAdminPrefix } from "../control/http/open-api.ts";
import { createControlRoutes } from "../control/http/routes.ts";
import { createOpenAiAdminRoutes } from "../control/openai-admin/routes.ts";
import { createSignInRoutes, oidcCallback } from "../control/sign-in/routes.ts";
import { readMethod, type Operations, type DoorRoute } from "./route.ts";

/** Where the control plane is mounted. */
export const controlPrefix = "/control";

/** The control plane, which keeps its own table of contents. */
export const control = createControlRoutes();

/** The same in the forms of OpenAI's admin API. */
export const openAiAdmin = createOpenAiAdminRoutes();

/** Where people sign in. */
export const signInPrefix = "/auth";

/** How people sign in, with a table of contents of its own. */
export const signIn = createSignInRoutes();

/** The rows that all tables of contents come to, one for each path. */
export function listControlRoutes(): DoorRoute[] {
  return [
    ...listRows(control.openAPIRegistry.definitions, controlPrefix, "adminKey"),
    ...listRows(openAiAdmin.openAPIRegistry.definitions, openAiAdminPrefix, "adminKey"),
    ...listSignInRows(),
  ];
}

/** All steps, and where issuers send browsers back to. */
function listSignInRows(): DoorRoute[] {
  const rows = listRows(signIn.openAPIRegistry.definitions, signInPrefix, "session");
  const { path, operationId, summary } = oidcCallback;
  const operations = { GET: { operationId, summary } };
  return [...rows, { ...shared, path: signInPrefix + path, operations, auth: "none", isUndocumented: true }];
}

/** What all these rows have in common. */
const shared = { door: "control", endpoint: null, isCounted: true, hasCors: false } as const;

type Definitions = typeof control.openAPIRegistry.definitions;

function listRows(definitions: Definitions, prefix: string, usual: "adminKey" | "session"): DoorRoute[] {
  const paths = new Map<string, { operations: Operations; auth: DoorRoute["auth"] }>();
  for (const definition of definitions) {
    if (definition.type !== "route") continue;
    const { path, method, operationId = "", summary = "", security } = definition.route;
    const row = paths.get(path) ?? { operations: {}, auth: usual };
    row.operations[readMethod(method)] = { operationId, summary };
    if (security?.length === 0) row.auth = "none";
    if (security?.some((scheme) => "bootstrapToken" in scheme)) row.auth = "bootstrapToken";
    paths.set(path, row);
  }
  return Array.from(paths, ([path, row]) => ({ ...shared, ...row, path: prefix + path }));
}
