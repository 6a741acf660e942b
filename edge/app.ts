import { Hono } from "hono";
import { cors } from "hono/cors";
import type { Env } from "./env.ts";
import { MisconfiguredError } from "./env.ts";
import { openApiDocument } from "./control/http/open-api.ts";
import { createControlRoutes } from "./control/http/routes.ts";
import { buildErrorBody, buildErrorHeaders, describeCause, Refusal } from "./errors.ts";
import { countCaller, countFailure } from "./identity/index.ts";
import { mintToken, serveCall, serveModels } from "./pipeline.ts";
import { readHealth } from "./routing/health.ts";
import type { EngineEndpoint } from "./protocol/openai/call.ts";
import { enginePaths } from "./protocol/openai/open-api.ts";
import type { Ports } from "./ports.ts";
import { takeHeartbeat, takeUsage } from "./settlement/index.ts";
import { openVisit, type Visit } from "./visit.ts";
import { wire, type Wiring } from "./wiring.ts";

export interface DoorEnv {
  Bindings: Env;
  Variables: { visit: Visit; wiring: Wiring };
}

const engineRoutes: Partial<Record<string, EngineEndpoint>> = {
  "/v1/chat/completions": "chat.completions",
  "/v1/completions": "completions",
  "/v1/embeddings": "embeddings",
  "/text2sql": "text2sql",
};

const exposed = [
  "x-request-id",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "openai-processing-ms",
  "x-penstock-tier",
  "x-penstock-hold",
  ...["limit", "remaining", "reset"].flatMap((what) => [`x-ratelimit-${what}-requests`, `x-ratelimit-${what}-tokens`]),
];

const corsHeaders = { "access-control-allow-origin": "*", "access-control-expose-headers": exposed.join(",") };

/**
 * The door. Calls to models go straight to the pipeline: a middleware chain would wrap each answer anew, at a fifth of
 * a call's cost (docs/decisions/0005). All else goes through Hono.
 */
export function openDoor() {
  const desk = openDesk();
  return {
    fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
      const endpoint = request.method === "POST" ? engineRoutes[pathOf(request.url)] : undefined;
      if (!endpoint) return desk.fetch(request, env, context);
      const answer = serveEngineCall(
        endpoint,
        env,
        openVisit(request, (work) => context.waitUntil(work), corsHeaders),
      );
      // A caller who leaves takes the request's context with her: what was held for her has to be given back all the
      // same (docs/decisions/0008).
      context.waitUntil(answer);
      return answer;
    },
  };
}

async function serveEngineCall(endpoint: EngineEndpoint, env: Env, visit: Visit): Promise<Response> {
  try {
    const { ports } = await wire(env);
    return await serveCounted(endpoint, ports, visit);
  } catch (failure) {
    return refuse(visit, asRefusal(failure));
  }
}

/**
 * Counts the caller's address, where that takes time while the call is read. Whoever is over the limit is told that and
 * nothing else, whatever else is wrong.
 */
async function serveCounted(endpoint: EngineEndpoint, ports: Ports, visit: Visit): Promise<Response> {
  const counted = countCaller(visit, ports.ips);
  try {
    return await serveCall(visit, endpoint, ports, counted);
  } catch (failure) {
    await counted;
    countFailure(visit, ports.ips, failure);
    throw failure;
  }
}

/** The path of an absolute URL, without parsing the rest. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.search(/[?#]/);
  return start === -1 ? "/" : url.slice(start, end === -1 ? undefined : end);
}

/**
 * Everything but calls to models: paths, request ids, CORS for browsers. Errors are written here and in
 * `serveEngineCall` alone, by `refuse`.
 */
function openDesk() {
  const app = new Hono<DoorEnv>();
  let document: ReturnType<typeof openApiDocument> | null = null;
  app.use(async (c, next) => {
    const visit = openVisit(c.req.raw, (work) => c.executionCtx.waitUntil(work));
    c.set("visit", visit);
    c.set("wiring", await wire(c.env));
    await next();
    c.res.headers.set("x-request-id", visit.id);
  });
  for (const path of ["/v1/*", "/text2sql"])
    app.use(path, cors({ origin: "*", exposeHeaders: exposed, maxAge: 86_400 }));
  // After CORS, so that browsers can read the refusal; preflights end there and are not counted.
  app.use(async (c, next) => {
    if (isUncounted(c.req.path)) return next();
    const { visit, wiring } = c.var;
    await countCaller(visit, wiring.ports.ips);
    await next();
    countFailure(visit, wiring.ports.ips, c.error);
  });

  app.get("/v1/models", async (c) => c.json(await serveModels(c.var.visit, null, c.var.wiring.ports)));
  app.get("/v1/models/:id{.+}", async (c) =>
    c.json(await serveModels(c.var.visit, c.req.param("id"), c.var.wiring.ports)),
  );

  app.post("/v1/client-tokens", async (c) =>
    c.json(await mintToken(c.var.visit, c.var.wiring.ports), 201, { "cache-control": "no-store" }),
  );

  app.post("/origin/usage", async (c) =>
    c.json(await takeUsage(c.var.visit, c.var.wiring.ports.nodes, c.var.wiring.ports.ledger)),
  );
  app.post("/origin/heartbeat", async (c) => {
    const { nodes, fleet } = c.var.wiring.ports;
    const heartbeat = await takeHeartbeat(c.var.visit, nodes);
    await fleet.report(heartbeat, c.var.visit.now()).catch((cause: unknown) => {
      throw new Refusal("store_unavailable", {
        message: "The fleet's memory is out of reach. The next heartbeat will do.",
        retryAfterMs: 1_000,
        log: "fleet out of reach",
        cause,
      });
    });
    return c.json({ heard: true });
  });

  app.get("/livez", (c) => c.json({ status: "alive" }));
  app.get("/readyz", (c) => c.json({ status: "ready" }));
  app.get("/health", async (c) => {
    const { fleet, models } = c.var.wiring.ports;
    await fleet.refresh(c.var.visit.now())?.catch(() => c.var.visit.log("fleet_unreadable"));
    const health = readHealth(fleet.view(c.var.visit.now()), models);
    return c.json(health, health.status === "unhealthy" ? 503 : 200);
  });
  app.route("/control", createControlRoutes());
  app.get("/openapi.json", (c) => c.json((document ??= openApiDocument(enginePaths))));

  app.notFound((c) =>
    refuse(c.get("visit"), isKnownPath(c.req.path) ? new Refusal("method_not_allowed") : new Refusal("unknown_url")),
  );
  app.onError((failure, c) => refuse(c.get("visit"), asRefusal(failure)));
  return app;
}

/** What nodes send is signed, and probes must hear that we are alive. */
function isUncounted(path: string): boolean {
  return /^\/(origin\/usage|origin\/heartbeat|livez|readyz)$/.test(path);
}

function isKnownPath(path: string): boolean {
  return (
    path in engineRoutes ||
    /^\/(v1\/models|v1\/client-tokens|health|livez|readyz|origin\/usage|origin\/heartbeat)$/.test(path)
  );
}

/**
 * Anything unforeseen is `internal`; what it was goes to the log by name only, since messages may quote what callers
 * sent.
 */
function asRefusal(failure: unknown): Refusal {
  if (failure instanceof Refusal) return failure;
  if (failure instanceof MisconfiguredError) return new Refusal("misconfigured", { log: failure.message });
  if (!(failure instanceof Error)) return new Refusal("internal", { log: "thrown: no error" });
  return new Refusal("internal", { log: `${failure.name} at ${failure.stack?.split("\n")[1]?.trim() ?? "?"}` });
}

function refuse(visit: Visit, refusal: Refusal): Response {
  const { code, status, message, cause, details } = refusal;
  const isOurs = status >= 500;
  visit.log("refused", {
    code,
    status,
    ...((isOurs || details.log !== undefined) && { why: message }),
    ...(isOurs && cause !== undefined && { cause: describeCause(cause) }),
  });
  return new Response(JSON.stringify(buildErrorBody(refusal)), {
    status: refusal.status,
    headers: { ...buildErrorHeaders(refusal), ...visit.headers },
  });
}
