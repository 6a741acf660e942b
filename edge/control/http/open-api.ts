import { OpenAPIHono } from "@hono/zod-openapi";
import type { ControlEnv } from "./port.ts";
import { createControlRoutes } from "./routes.ts";

/** What another part of the edge adds to the document: its paths, and the schemas they point to. */
export interface OpenApiPart {
  paths?: Record<string, object>;
  components?: { schemas?: Record<string, object>; securitySchemes?: Record<string, object> };
}

/** An OpenAPI 3.1 document, as far as anyone here looks into it. */
export interface OpenApiDocument extends OpenApiPart {
  openapi: string;
  info: object;
}

/**
 * The OpenAPI 3.1 document of the control plane as it is mounted, and of the parts given. The same on every call, so
 * the door may keep it.
 */
export function openApiDocument(...parts: OpenApiPart[]): OpenApiDocument {
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
    description: "An inference key: `sk-pen-…`.",
  });
  registry.registerComponent("securitySchemes", "bootstrapToken", {
    type: "http",
    scheme: "bearer",
    description: "The deployment's bootstrap token.",
  });
  app.route("/control", createControlRoutes());
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Penstock", version: "1", description: "Open models on your own GPUs, as a global HTTPS API." },
    servers: [{ url: "/" }],
    security: [{ adminKey: [] }],
    tags: [{ name: "orgs" }, { name: "keys" }, { name: "usage" }],
  });
  return parts.reduce<OpenApiDocument>(join, document);
}

function join(document: OpenApiDocument, part: OpenApiPart): OpenApiDocument {
  const schemas = { ...document.components?.schemas, ...part.components?.schemas };
  const securitySchemes = { ...document.components?.securitySchemes, ...part.components?.securitySchemes };
  return {
    ...document,
    paths: { ...document.paths, ...part.paths },
    components: { ...document.components, schemas, securitySchemes },
  };
}
