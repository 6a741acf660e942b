import { expect, test } from "vitest";
import { findFamily, listRefusals, referRefusal, writeHeaders, writeRefusals } from "#edge/doors/open-api/refusals.ts";
import { findRoute, routes } from "#edge/doors/routes.ts";
import { readMethod } from "#edge/doors/route.ts";
import { refusals } from "#edge/errors.ts";

const of = (path: string, method: "GET" | "POST") => {
  const route = findRoute(path);
  if (!route) throw new RangeError(path);
  return listRefusals(route, method);
};

test("a call of a model may be refused in every way that there is, but for what it has no version of", () => {
  const all = Array.from(new Set(Object.values(refusals).map(({ status }) => status))).toSorted((a, b) => a - b);
  expect(of("/v1/chat/completions", "POST")).toEqual(all.filter((status) => status !== 412));
});

test("what anybody reads is refused for its method, for too many requests, or for a fault of ours", () => {
  expect(of("/openapi.json", "GET")).toEqual([405, 429, 500]);
  expect(of("/livez", "GET")).toEqual([405, 500]);
});

test("what needs a key says so, and a path with a name in it may lead nowhere", () => {
  expect(of("/v1/models", "GET")).toEqual([400, 401, 403, 405, 429, 500, 503]);
  expect(of("/v1/models/chat", "GET")).toContain(404);
  expect(of("/control/orgs", "POST")).toEqual(expect.arrayContaining([400, 401, 403, 409, 413, 415]));
});

test("every status of every operation is described, and names each of its codes", () => {
  const written = writeRefusals();
  for (const route of routes)
    for (const method of Object.keys(route.operations))
      for (const status of listRefusals(route, readMethod(method)))
        expect(written).toHaveProperty([referRefusal(status, findFamily(route)).$ref.split("/").at(-1) ?? ""]);
  for (const [code, { status, message }] of Object.entries(refusals))
    expect(written[`Refused${status}`]).toHaveProperty(
      "description",
      expect.stringContaining(`\`${code}\`: ${message}`),
    );
});

test("headers that only some refusals have stand with those", () => {
  const written = writeRefusals();
  expect(written["Refused405"]).toHaveProperty(["headers", "allow"]);
  expect(written["Refused401"]).toHaveProperty(["headers", "www-authenticate"]);
  expect(written["Refused429"]).toHaveProperty(["headers", "x-ratelimit-reset-tokens"]);
  expect(written["Refused400"]).not.toHaveProperty(["headers", "allow"]);
  expect(writeHeaders({})).toHaveProperty(["x-request-id"]);
});

test("what is refused in Anthropic's form is described in it, under its own statuses", () => {
  const all = of("/v1/messages", "POST");
  expect(all).toEqual(of("/v1/chat/completions", "POST").concat(529));
  const written = writeRefusals();
  const value = { type: "error", error: { type: "overloaded_error", code: "server_is_overloaded" } };
  expect(written["MessagesRefused529"]).toMatchObject({
    headers: { "request-id": {}, "retry-after": {} },
    content: { "application/json": { examples: { server_is_overloaded: { value } } } },
  });
  expect(written).not.toHaveProperty(["Refused529"]);
});
