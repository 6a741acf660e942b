import { expect, test } from "vitest";
import { answerOptions, readCorsHeaders } from "#edge/doors/cors.ts";

const options = (path: string, headers: Record<string, string> = {}) =>
  answerOptions(new Request(`http://edge${path}`, { method: "OPTIONS", headers }), path);
const origin = "https://app.example";
const read = (path: string, headers: Record<string, string> = { origin }) =>
  readCorsHeaders(new Request(`http://edge${path}`, { headers }), path);
const preflight = { origin, "access-control-request-method": "POST" };

test("OPTIONS lists the methods that a path takes", () => {
  expect(options("/health")?.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  expect(options("/control/orgs")?.headers.get("allow")).toBe("GET, HEAD, POST, OPTIONS");
  expect(options("/nothing")).toBeNull();
  expect(options("/v1/nothing")).toBeNull();
});

test("a page may send the headers it requests to callers' paths, and learns their methods", () => {
  const asked = { ...preflight, "access-control-request-headers": "authorization,content-type" };
  const answer = options("/v1/chat/completions", asked);
  expect(answer?.status).toBe(204);
  expect(answer?.headers.get("access-control-allow-methods")).toBe("POST, OPTIONS");
  expect(answer?.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
  expect(answer?.headers.get("vary")).toBe("origin, access-control-request-headers");
});

test("a page may not call the control plane, nor what is the nodes'", () => {
  for (const path of ["/control/orgs", "/origin/usage"]) {
    expect(options(path, preflight)?.headers.has("access-control-allow-methods")).toBe(false);
    expect(read(path)).toEqual({});
  }
});

test("a page can read that a path under /v1 is none", () => {
  expect(options("/v1/nothing", preflight)?.status).toBe(204);
  expect(read("/v1/nothing")).toHaveProperty("access-control-allow-origin", "*");
  expect(read("/nothing")).toEqual({});
});

test("who sends no Origin is no page: they get no CORS headers, and nobody keeps an answer for the other", () => {
  for (const path of ["/v1/chat/completions", "/v1/models", "/text2sql", "/v1/nothing"]) {
    expect(read(path, {})).toEqual({ vary: "origin" });
    expect(read(path)).toEqual({
      vary: "origin",
      "access-control-allow-origin": "*",
      "access-control-expose-headers": expect.stringContaining("x-penstock-hold"),
    });
    expect(read(path, { origin: "null" })).toEqual(read(path));
  }
  const asked = options("/v1/models", { "access-control-request-method": "GET" });
  expect([asked?.status, asked?.headers.has("access-control-allow-methods")]).toEqual([204, false]);
  expect(options("/v1/nothing", { "access-control-request-method": "GET" })).toBeNull();
});
