import { createControlRoutes } from "../control/http/routes.ts";
import { readMethod, type Operations, type DoorRoute } from "./route.ts";

/** Where the control plane is mounted. */
export const controlPrefix = "/control";

/** The control plane, which keeps its own table of contents. */
export const control = createControlRoutes();

/** The rows that the control plane's table of contents comes to, one for each path. */
export function listControlRoutes(): DoorRoute[] {
  const paths = new Map<string, { operations: Operations; isBootstrap: boolean }>();
  for (const definition of control.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { path, method, operationId = "", summary = "", security } = definition.route;
    const row = paths.get(path) ?? { operations: {}, isBootstrap: false };
    row.operations[readMethod(method)] = { operationId, summary };
    row.isBootstrap ||= security?.some((scheme) => "bootstrapToken" in scheme) ?? false;
    paths.set(path, row);
  }
  return Array.from(paths, ([path, { operations, isBootstrap }]) => ({
    path: controlPrefix + path,
    operations,
    door: "control",
    auth: isBootstrap ? "bootstrapToken" : "adminKey",
    endpoint: null,
    isCounted: true,
    hasCors: false,
  }));
}
