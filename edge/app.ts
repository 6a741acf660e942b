import { Hono } from "hono";
import type { Env } from "./env.ts";
import { answerOptions, readCorsHeaders, selectCorsHeaders } from "./doors/cors.ts";
import { openNodesDoor } from "./doors/nodes.ts";
import { callAddresses, serveCounted } from "./doors/calls.ts";
import type { DoorEnv } from "./doors/port.ts";
import { asRefusal, refuseCall, refuseVisit } from "./doors/refuse.ts";
import { findRoute } from "./doors/routes.ts";
import { openSiteDoor } from "./doors/site/site.ts";
import { mendPath, refuseUnrouted, refuseUrl } from "./doors/slips.ts";
import { countCaller, countFailure, countForgery } from "./identity/index.ts";
import type { CallAddress } from "./protocol/openai/call.ts";
import { openVisit, type Visit } from "./visit.ts";
import { wire } from "./wiring.ts";

/**
 * The door of the house. Calls to models go straight to the pipeline: a middleware chain would wrap each answer anew,
 * at a fifth of a call's cost (docs/decisions/0005). All else goes through Hono. A path with a slip in it is looked at
 * only when the exact one leads nowhere.
 */
export function openDoor() {
  const app = openApp();
  return {
    fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
      const path = readPath(request.url);
      const isPost = request.method === "POST";
      const address = isPost ? callAddresses.get(path) : undefined;
      if (address) return answerCall(address, request, env, context);
      const mended = mendPath(path);
      if (!mended) return app.fetch(request, env, context);
      const meant = isPost ? callAddresses.get(mended.path) : undefined;
      if (meant) return answerCall({ ...meant, deployment: mended.deployment }, request, env, context);
      return app.fetch(new Request(withPath(request.url, mended.path), request), env, context);
    },
  };
}

function answerCall(
  address: CallAddress,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Response | Promise<Response> {
  const answer = serveModelCall(
    address,
    env,
    openVisit(request, (work) => context.waitUntil(work), selectCorsHeaders(request)),
  );
  // A caller who leaves takes the request's context with them: what was held for them has to be given back all the same
  // (docs/decisions/0008).
  context.waitUntil(answer);
  return answer;
}

async function serveModelCall(address: CallAddress, env: Env, visit: Visit): Promise<Response> {
  try {
    const { ports } = await wire(env);
    return await serveCounted(address, ports, visit);
  } catch (failure) {
    return await refuseCall(visit, failure, address.endpoint);
  }
}

/** The path of an absolute URL, without parsing the rest. */
function readPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.search(/[?#]/);
  return start === -1 ? "/" : url.slice(start, end === -1 ? undefined : end);
}

function withPath(url: string, path: string): URL {
  const mended = new URL(url);
  mended.pathname = path;
  return mended;
}

/**
 * Everything but calls to models: request ids, CORS for browsers, who is counted, what no route answers. Errors are
 * written here and in `serveModelCall` alone, by `refuse`.
 */
function openApp() {
  const app = new Hono<DoorEnv>();
  app.use(async (c, next) => {
    const visit = openVisit(
      c.req.raw,
      (work) => c.executionCtx.waitUntil(work),
      readCorsHeaders(c.req.raw, c.req.path),
    );
    c.set("visit", visit);
    c.set("wiring", await wire(c.env));
    await next();
    for (const [name, value] of Object.entries(visit.headers))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  app.options("*", (c, next) => {
    const answer = answerOptions(c.req.raw, c.req.path);
    return answer ? Promise.resolve(answer) : next();
  });
  // What browsers ask first ends above and is not counted.
  app.use(async (c, next) => {
    const { visit, wiring } = c.var;
    const route = findRoute(c.req.path);
    if (route?.isCounted !== false) await countCaller(visit, wiring.ports.ips);
    await next();
    if (route?.auth === "nodeSignature") await countForgery(visit, wiring.ports.ips, c.error);
    else if (route?.isCounted !== false) countFailure(visit, wiring.ports.ips, c.error);
  });
  app.use((c, next) => {
    refuseUnrouted(c.req.method, c.req.path);
    return next();
  });
  app.route("/", openNodesDoor());
  app.route("/", openSiteDoor());

  app.notFound((c) => refuseVisit(c.get("visit"), refuseUrl(c.req.method, c.req.path), c.req.path));
  app.onError((failure, c) => {
    const refusal = asRefusal(failure);
    const isUnnamed = refusal.code === "unknown_url" && refusal.details.message === undefined;
    return refuseVisit(c.get("visit"), isUnnamed ? refuseUrl(c.req.method, c.req.path) : refusal, c.req.path);
  });
  return app;
}
