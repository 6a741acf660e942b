import { listMethods } from "#edge/doors/route.ts";
import { routes } from "#edge/doors/routes.ts";

/** A path of every row of the route table, which key opens it, and what it allows. Ids in it are of nobody. */
export const routeSamples = routes.map((route) => ({
  path: route.path.replace("{id...}", "chat").replace(/\{[^}]+\}/g, "x"),
  key: route.auth === "apiKey" || route.auth === "adminKey" ? route.auth : ("none" as const),
  allow: listMethods(route),
}));
