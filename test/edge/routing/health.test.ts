import { describe, expect, test } from "vitest";
import type { NodeView } from "#edge/fleet/port.ts";
import { readHealth } from "#edge/routing/health.ts";
import { servedModel, viewOf } from "#test/support/fakes/fleet.ts";
import { chatModel, sqlModel } from "#test/support/fakes/models.ts";

const models = [chatModel, sqlModel];
const both = { models: [servedModel, sqlModel.id] };

describe("health", () => {
  test("is healthy when each model has a ready node, and names no node: who forges one needs its id", () => {
    const health = readHealth([viewOf("a"), viewOf("b", {}, { models: [sqlModel.id] }), viewOf("c", {}, both)], models);
    expect(health).toEqual({
      status: "healthy",
      backends: { chat: 2, text2sql: 2 },
    });
    expect(JSON.stringify(health)).not.toContain("node_");
  });

  test("is degraded when some model has none, unhealthy when all have none", () => {
    expect(readHealth([viewOf("a")], models)).toEqual({
      status: "degraded",
      backends: { chat: 1, text2sql: 0 },
    });
    expect(readHealth([], models)).toEqual({ status: "unhealthy", backends: { chat: 0, text2sql: 0 } });
  });

  const notReady: [string, Partial<NodeView>][] = [
    ["never heard of", { state: null, heartbeatAgeMs: null }],
    ["silent for a minute", { heartbeatAgeMs: 60_000 }],
    ["behind an open breaker", { breaker: "open" }],
    ["starting", { state: "starting" }],
    ["warming", { state: "warming" }],
    ["draining", { state: "draining" }],
    ["unhealthy", { state: "unhealthy" }],
    ["sleeping", { state: "sleeping" }],
  ];
  for (const [name, over] of notReady)
    test(`a node that is ${name} is not ready`, () =>
      expect(readHealth([viewOf("a", over)], [chatModel]).status).toBe("unhealthy"));

  test("a node heard 59 s ago, or being probed, is ready", () => {
    expect(readHealth([viewOf("a", { heartbeatAgeMs: 59_999 })], [chatModel]).status).toBe("healthy");
    expect(readHealth([viewOf("a", { breaker: "probing" })], [chatModel]).status).toBe("healthy");
  });
});
