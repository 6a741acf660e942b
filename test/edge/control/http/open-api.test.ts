import { expect, it } from "vitest";
import { createControlRoutes } from "#edge/control/http/routes.ts";
import { openApiDocument } from "#edge/control/http/open-api.ts";

it("lists the control plane where it is mounted, by OpenAPI 3.1", () => {
  const document = openApiDocument();
  expect(document.openapi).toBe("3.1.0");
  const routes = createControlRoutes().openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === "route" ? [`/control${definition.route.path}`] : [],
  );
  expect(Object.keys(document.paths ?? {}).toSorted()).toEqual([...new Set(routes)].toSorted());
  expect(Object.keys(document.components?.securitySchemes ?? {})).toEqual(["adminKey", "apiKey", "bootstrapToken"]);
});

it("has no reference that leads nowhere", () => {
  const document = openApiDocument();
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
  for (const [, name = ""] of references) expect(document.components?.schemas).toHaveProperty(name);
});

it("is the same on every call, and has nothing of what is not the control plane's", () => {
  expect(openApiDocument()).toEqual(openApiDocument());
  expect(openApiDocument().paths).not.toHaveProperty(["/v1/models"]);
});
