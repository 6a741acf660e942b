import { everyHeaders, messagesHeaders, refusalHeaders, servedHeaders } from "../protocol/headers.ts";
import { listMethods } from "./route.ts";
import { findRoute } from "./routes.ts";

const exposed = Object.keys({ ...everyHeaders, ...refusalHeaders, ...servedHeaders, ...messagesHeaders });
const preflightSeconds = 86_400;

/** An answer that a page may read looks another way to whoever is none, so nobody may keep one for the other. */
const forOthers: Readonly<Record<string, string>> = { vary: "origin" };
/** What lets pages of any origin read an answer and our headers on it, without credentials of the browser's. */
const forPages: Readonly<Record<string, string>> = {
  ...forOthers,
  "access-control-allow-origin": "*",
  "access-control-expose-headers": exposed.join(","),
};

/** The CORS headers of an answer that pages may read: browsers send `Origin`, and nobody else needs them. */
export function selectCorsHeaders(request: Request): Readonly<Record<string, string>> {
  return request.headers.has("origin") ? forPages : forOthers;
}

/** The CORS headers of every answer at this path; of a path under /v1 that is none, so that its 404 can be read. */
export function readCorsHeaders(request: Request, path: string): Readonly<Record<string, string>> {
  return (findRoute(path)?.hasCors ?? path.startsWith("/v1/")) ? selectCorsHeaders(request) : {};
}

/**
 * The answer to OPTIONS: what the path takes, and to a browser that asks first whether a page may. Null where there is
 * no such path, but for browsers, who are to read the 404 of the request itself.
 */
export function answerOptions(request: Request, path: string): Response | null {
  const route = findRoute(path);
  const wish = request.headers.get("access-control-request-method");
  const cors = wish === null ? {} : readCorsHeaders(request, path);
  const isPreflight = "access-control-allow-origin" in cors;
  if (!route && !isPreflight) return null;
  const methods = route ? listMethods(route).join(", ") : (wish ?? "");
  const requestHeaders = request.headers.get("access-control-request-headers");
  return new Response(null, {
    status: 204,
    headers: {
      ...(route && { allow: methods }),
      ...(isPreflight && {
        "access-control-allow-methods": methods,
        "access-control-max-age": String(preflightSeconds),
        vary: "origin, access-control-request-headers",
        ...(requestHeaders !== null && { "access-control-allow-headers": requestHeaders }),
      }),
    },
  });
}
