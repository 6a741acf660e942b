import { routes } from "#edge/doors/routes.ts";

/** A path of every row of the route table, and which key opens it. Ids in it are of nobody. */
export const routeSamples = routes.map(({ path, auth }) => ({
  path: path.replace("{id...}", "chat").replace(/\{[^}]+\}/g, "x"),
  key: auth === "apiKey" || auth === "adminKey" ? auth : ("none" as const),
}));
