import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findRoute } from "#edge/doors/routes.ts";
import { mendPath, refuseUnrouted, refuseUrl } from "#edge/doors/slips.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

describe("a slip in the base URL is served where it can mean one thing", () => {
  const table: [string, string, string | null][] = [
    ["/v1/chat/completions/", "/v1/chat/completions", null],
    ["//v1/chat/completions", "/v1/chat/completions", null],
    ["/v1//chat//completions", "/v1/chat/completions", null],
    ["/chat/completions", "/v1/chat/completions", null],
    ["/v1/v1/chat/completions", "/v1/chat/completions", null],
    ["/v1/v1/v1/embeddings", "/v1/embeddings", null],
    ["/openai/v1/completions", "/v1/completions", null],
    ["/openai/deployments/chat/chat/completions", "/v1/chat/completions", "chat"],
    ["/openai/deployments/org%2Fmodel/embeddings", "/v1/embeddings", "org/model"],
    ["/openai/models", "/v1/models", null],
    ["/models/chat", "/v1/models/chat", null],
    ["/v1/models/chat/", "/v1/models/chat", null],
    ["/v1/text2sql", "/text2sql", null],
    ["/v1/api/chat", "/api/chat", null],
    ["//api/tags/", "/api/tags", null],
    ["/client-tokens", "/v1/client-tokens", null],
    ["/health/", "/health", null],
    ["/v1", "/", null],
    ["/v1/", "/", null],
  ];
  for (const [path, meant, deployment] of table) {
    test(`${path} is ${meant}`, () => expect(mendPath(path)).toEqual({ path: meant, deployment }));
  }
});

describe("nothing is mended into what is not the caller's (S7)", () => {
  const table = [
    "//control/orgs",
    "/control/orgs/",
    "/v1/control/orgs",
    "/openai/control/orgs",
    "/openai/deployments/x/control/orgs",
    "//origin/usage",
    "/v1/origin/heartbeat",
    "/origin/usage/",
    "/v1/..;/control/orgs",
    "/v1/%2e%2e/control/orgs",
    "/v1/..%2fcontrol/orgs",
    "/v1/./chat/completions",
    "/v1/../chat/completions",
    "/v1/chat%2fcompletions",
    "/v1/chat/completions;x",
    "/v1\\chat\\completions",
    "/openai/deployments/%E0%A4%A/chat/completions",
    "/openai/deployments//chat/completions",
    "/openai/deployments",
    "/V1/chat/completions",
    "/api/v1/chat/completions",
    "/v1/chat/completions",
    "/control/orgs",
  ];
  test.each(table)("%s is mended into nothing", (path) => {
    expect(mendPath(path)).toBeNull();
  });

  test("whatever path is requested, what comes out is a path of the table that callers have", () => {
    const step = fc.constantFrom("", "v1", "openai", "deployments", "control", "origin", "orgs", "usage", "..", "%2f");
    const word = fc.oneof(step, fc.constantFrom("chat", "completions", "models", "heartbeat", "x", ";", "%2e%2e"));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (steps) => {
        const mended = mendPath(`/${steps.join("/")}`);
        if (!mended) return;
        expect(["calls", "site"]).toContain(findRoute(mended.path)?.door);
        expect(mended.path).toMatch(/^\/[\w/~@:.-]*$/);
        expect(mended.path).not.toMatch(/^\/(control|origin)/);
        expect(mended.path.split("/")).not.toContain("..");
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("what no route answers", () => {
  test("is 405 where the path has other methods, and names them", async () => {
    const refusal = await expectRefusal(() => refuseUnrouted("GET", "/v1/chat/completions"), "method_not_allowed");
    expect(refusal.details.headers).toEqual({ allow: "POST, OPTIONS" });
    expect(refusal.details.message).toBe("GET is not allowed at /v1/chat/completions; it takes POST, OPTIONS.");
    const models = await expectRefusal(() => refuseUnrouted("DELETE", "/v1/models/chat"), "method_not_allowed");
    expect(models.details.headers).toEqual({ allow: "GET, HEAD, OPTIONS" });
    const orgs = await expectRefusal(() => refuseUnrouted("PUT", "/control/orgs/org_x"), "method_not_allowed");
    expect(orgs.details.headers).toEqual({ allow: "GET, HEAD, PATCH, DELETE, OPTIONS" });
  });

  test("is 405 at what callers know from Ollama and may not do here, and says why", async () => {
    for (const path of ["/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete", "/api/blobs/sha256:1"]) {
      const { details } = await expectRefusal(() => refuseUnrouted("POST", path), "method_not_allowed");
      expect(details.headers).toEqual({ allow: "OPTIONS" });
      expect(details.message).toBe(
        `POST is not allowed at ${path}; the models are set up by whoever runs this gateway.`,
      );
    }
  });

  test("is let through where a route takes it", () => {
    for (const method of ["GET", "HEAD", "OPTIONS"]) expect(refuseUnrouted(method, "/v1/models")).toBeUndefined();
  });

  test("is 404 where nothing is, with the path that may have been meant", () => {
    const hints: [string, string][] = [
      ["/control/orgs/", "Did you mean /control/orgs?"],
      ["/V1/Chat/Completions", "Did you mean /v1/chat/completions?"],
      ["/api/v1/chat/completions", "Did you mean /v1/chat/completions?"],
      ["/v1/responses", "POST /v1/responses. /openapi.json lists the API's paths."],
      ["/v1/chat/completion", "/openapi.json lists the API's paths."],
    ];
    for (const [path, hint] of hints) {
      const { code, details } = refuseUrl("POST", path);
      expect([code, details.message]).toEqual(["unknown_url", expect.stringContaining(hint)]);
      expect(details.message).toContain(`Unknown request URL: POST ${path}.`);
    }
  });

  test("is named as a part of an API that no model here serves, whatever the method", () => {
    for (const method of ["POST", "GET", "DELETE"]) {
      const { code, details } = refuseUrl(method, "/v1/files/file-1/content");
      expect(code).toBe("unknown_url");
      expect(details.message).toBe(
        `${method} /v1/files/file-1/content is of OpenAI's files, which no model here serves. ` +
          "/openapi.json lists what is served.",
      );
    }
  });

  test("is named bounded and clean", () => {
    const say = refuseUrl("X".repeat(99), `/<script>${"y".repeat(9_000)}`).details.message ?? "";
    expect(say.length).toBeLessThan(400);
    expect(say).not.toContain("<");
  });
});
