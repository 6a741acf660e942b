import { expect, it } from "vitest";
import { openApiDocument } from "#edge/control/http/open-api.ts";
import { listReached } from "#test/support/people/reached-routes.ts";

it("lists the control plane where it is mounted, by OpenAPI 3.1", () => {
  const document = openApiDocument();
  expect(document.openapi).toBe("3.1.0");
  const paths = Object.keys(document.paths ?? {}).filter((path) => !path.startsWith("/auth"));
  expect(paths.toSorted()).toEqual([...new Set(listReached().map(({ path }) => path))].toSorted());
  expect(Object.keys(document.components?.securitySchemes ?? {})).toEqual([
    "adminKey",
    "apiKey",
    "bootstrapToken",
    "session",
  ]);
});

it("lists signing in, which needs no key", () => {
  const entries = Object.entries(openApiDocument().paths ?? {}).filter(([path]) => !/^\/(control|v1)\//.test(path));
  expect(entries.length).toBeGreaterThan(15);
  for (const [path, operations] of entries)
    for (const { security } of Object.values(operations))
      expect([path.startsWith("/auth/"), security?.some((scheme) => "adminKey" in scheme) ?? true]).toEqual([
        true,
        false,
      ]);
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
