import { quoteName } from "../protocol/quote.ts";
import { Refusal } from "../errors.ts";
import { listMethods, takesMethod } from "./route.ts";
import { findRoute, routes } from "./routes.ts";
import { sitePaths } from "./site-paths.ts";
import { findUnserved } from "./unserved.ts";

const deploymentCharsMax = 256;
const pathCharsMax = 200;
/** Nothing that a server behind or before us might read as another path: no percent, no semicolon, no dots alone. */
const plainStep = /^(?!\.+$)[\w.~:@-]+$/;

/** Where an address with a slip in it leads. */
export interface MendedPath {
  path: string;
  /** The model that an address in Azure's form names. */
  deployment: string | null;
}

/**
 * What a path with a slip in it must mean: a slash too many, `/v1` missing or said twice, Azure's
 * `/openai/deployments/NAME/…` and `/openai/v1/…`. Null for a path that is right as it is, and for one that means
 * nothing. Leads to callers' own paths alone: never to the control plane, never to what is the nodes'.
 */
export function mendPath(path: string): MendedPath | null {
  if (findRoute(path)) return null;
  const guess = guessPath(path);
  const door = guess && findRoute(guess.path)?.door;
  return door === "calls" || door === "site" ? guess : null;
}

/**
 * Refuses what no route answers: 405, which tells the methods that the path has, or 404, which tells the right path if
 * we can guess it.
 */
export function refuseUnrouted(method: string, path: string): void {
  const route = findRoute(path);
  if (!route) throw refuseUrl(method, path);
  if (takesMethod(route, method)) return;
  const allowed = listMethods(route).join(", ");
  const why = route.refused ?? `it takes ${allowed}.`;
  throw new Refusal("method_not_allowed", {
    message: `${quoteName(method, 16)} is not allowed at ${quoteName(path, pathCharsMax)}; ${why}`,
    headers: { allow: allowed },
  });
}

/**
 * The refusal of an URL that nothing is at: it is named, and the one that may have been meant, or the part of another
 * API that is not served.
 */
export function refuseUrl(method: string, path: string): Refusal {
  const part = findUnserved(path);
  if (part !== null) {
    const url = `${quoteName(method, 16)} ${quoteName(path, pathCharsMax)}`;
    const message = `${url} is of ${part.name}, which ${part.by}. ${sitePaths.openApi} lists what is served.`;
    return new Refusal("unknown_url", { message });
  }
  const lower = path.toLowerCase();
  const meant = guessPath(lower)?.path ?? guessByEnd(lower);
  const hint =
    meant !== null && meant !== path
      ? `Did you mean ${quoteName(meant, pathCharsMax)}?`
      : `${sitePaths.openApi} lists the API's paths.`;
  return new Refusal("unknown_url", {
    message: `Unknown request URL: ${quoteName(method, 16)} ${quoteName(path, pathCharsMax)}. ${hint}`,
  });
}

function guessPath(path: string): MendedPath | null {
  const all = path.split("/").filter((step) => step !== "");
  const isAzure = all[0] === "openai";
  const names = isAzure && all[1] === "deployments";
  const deployment = names && !path.includes("/deployments//") ? readDeployment(all[2]) : null;
  if (names && deployment === null) return null;
  const steps = all.slice(names ? 3 : isAzure ? 1 : 0);
  if (!steps.every((step) => plainStep.test(step))) return null;
  while (steps[0] === "v1") steps.shift();
  const rest = steps.join("/");
  const found = [`/v1/${rest}`, `/${rest}`].find((candidate) => findRoute(candidate));
  return found === undefined ? null : { path: found, deployment };
}

/** `/api/v1/chat/completions` and the like: not served, since we cannot know what stands before. */
function guessByEnd(path: string): string | null {
  const ends = routes
    .filter(({ door }) => door === "calls")
    .map((route) => ({ path: route.path, end: route.path.replace(/^\/v1/, "") }))
    .toSorted((a, b) => b.end.length - a.end.length);
  const found = ends.find(({ end }) => path.replace(/\/+$/, "").endsWith(end));
  return found?.path ?? null;
}

function readDeployment(step = ""): string | null {
  try {
    const name = decodeURIComponent(step);
    return name !== "" && name.length <= deploymentCharsMax ? name : null;
  } catch {
    return null;
  }
}
