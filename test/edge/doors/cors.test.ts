import { expect, test } from "vitest";
import { answerOptions, readCorsHeaders } from "#edge/doors/cors.ts";

const options = (path: string, headers: Record<string, string> = {}) =>
  answerOptions(new Request(`http://edge${path}`, { method: "OPTIONS", headers }), path);
const preflight = { origin: "https://app.example", "access-control-request-method": "POST" };

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
});

test("a page may not call the control plane, nor what is the nodes'", () => {
  for (const path of ["/control/orgs", "/origin/usage"]) {
    expect(options(path, preflight)?.headers.has("access-control-allow-methods")).toBe(false);
    expect(readCorsHeaders(path)).toEqual({});
  }
});

test("a page can read that a path under /v1 is none", () => {
  expect(options("/v1/nothing", preflight)?.status).toBe(204);
  expect(readCorsHeaders("/v1/nothing")).toHaveProperty("access-control-allow-origin", "*");
  expect(readCorsHeaders("/nothing")).toEqual({});
});
