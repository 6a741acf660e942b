import { OpenAPIHono } from "@hono/zod-openapi";
import { sessionCookie } from "../sign-in/sessions.ts";
import type { SignInEnv } from "../sign-in/step.ts";
import type { ControlEnv } from "./port.ts";
import { createOpenAiAdminRoutes } from "../openai-admin/routes.ts";
import { createSignInRoutes } from "../sign-in/routes.ts";
import { createControlRoutes } from "./routes.ts";

/** An operation of an OpenAPI document, as far as anyone here looks into it. */
export interface DescribedOperation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  security?: object[];
  parameters?: object[];
  responses?: Record<string, object>;
  requestBody?: { required?: boolean; content?: Record<string, object> };
}

/** An OpenAPI 3.1 document, as far as anyone here looks into it. */
export interface OpenApiDocument {
  openapi: string;
  info: object;
  tags?: object[];
  paths?: Record<string, Record<string, DescribedOperation>>;
  components?: {
    schemas?: Record<string, object>;
    securitySchemes?: Record<string, object>;
    responses?: Record<string, object>;
  };
}

/** Where OpenAI's SDKs look for the admin API. */
export const openAiAdminPrefix = "/v1/organization";

/** Under which headings the document lists operations, in this order. */
const tagNames = "orgs people keys projects usage costs audit webhooks events models nodes openai-admin sign-in".split(
  " ",
);

/** The OpenAPI 3.1 document of the control plane as it is mounted, the same on every call. */
export function openApiDocument(): OpenApiDocument {
  const app = new OpenAPIHono<ControlEnv>();
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "adminKey", {
    type: "http",
    scheme: "bearer",
    description: "An admin key: `sk-pen-admin-…`.",
  });
  registry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    description: "An inference key, `sk-pen-…`, or a client token.",
  });
  registry.registerComponent("securitySchemes", "bootstrapToken", {
    type: "http",
    scheme: "bearer",
    description: "The deployment's bootstrap token.",
  });
  registry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: sessionCookie,
    description:
      "The cookie of who has signed in. A write needs `Origin` and `Content-Type: application/json` as well.",
  });
  app.route("/control", createControlRoutes());
  app.route(openAiAdminPrefix, createOpenAiAdminRoutes());
  const people = new OpenAPIHono<SignInEnv>();
  people.route("/auth", createSignInRoutes());
  for (const definition of people.openAPIRegistry.definitions)
    if (definition.type === "route") registry.registerPath(definition.route);
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Penstock", version: "1", description: "Open models on your own GPUs, as a global HTTPS API." },
    servers: [{ url: "/" }],
    security: [{ adminKey: [] }, { session: [] }],
    tags: tagNames.map((name) => ({ name })),
  });
  return JSON.parse(JSON.stringify(document));
}
