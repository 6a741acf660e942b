import { describe, expect, test } from "vitest";
import { openVerifiedKeys } from "#edge/identity/index.ts";
import type { CallAddress } from "#edge/protocol/openai/call.ts";
import type { Visit } from "#edge/visit.ts";
import { keyringOf, tokenKeyOf } from "#test/support/fakes/keyring.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";
import { importDoor } from "./world.ts";

interface CallsDoor {
  callAddresses: ReadonlyMap<string, CallAddress>;
  serveCounted(address: CallAddress, ports: unknown, visit: Visit): Promise<Response>;
}
const { callAddresses, serveCounted } = await importDoor<CallsDoor>("calls");

test("calls to models have addresses, each with its endpoint and without a deployment", () => {
  expect(Object.fromEntries(Array.from(callAddresses, ([path, { endpoint }]) => [path, endpoint]))).toMatchObject({
    "/v1/chat/completions": "chat.completions",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/text2sql": "text2sql",
    "/api/chat": "ollama.chat",
    "/api/generate": "ollama.generate",
    "/api/embed": "ollama.embed",
    "/api/embeddings": "ollama.embed",
  });
  for (const { deployment } of callAddresses.values()) expect(deployment).toBeNull();
});

describe("a caller's address", () => {
  const chat: CallAddress = { endpoint: "chat.completions", deployment: null };
  const allowed = { isAllowed: true } as const;
  const exceeded = { isAllowed: false, retryAfterMs: 1_000, window: { limit: 5, resetMs: 1_000 } } as const;

  /** Serves a call without a key: it is always refused, and what with is the question. */
  async function serveKeyless(local: typeof allowed | typeof exceeded, shared: typeof allowed | typeof exceeded) {
    const counts: string[] = [];
    const count = (name: string, decision: typeof allowed | typeof exceeded) => ({
      take: () => (counts.push(`${name} takes`), decision),
      penalize: () => void counts.push(`${name} penalizes`),
    });
    const localCount = count("local", local);
    const sharedCount = count("shared", shared);
    const ips = {
      local: localCount,
      shared: { take: async () => sharedCount.take(), penalize: async () => sharedCount.penalize() },
      exempt: [],
      header: "cf-connecting-ip",
    };
    const ports = { ips, keys: openVerifiedKeys(await keyringOf()), tokenKey: await tokenKeyOf(), models: testModels };
    const visit = visitOf(posted({ model: "chat" }, { "cf-connecting-ip": "203.0.113.7" }));
    const refusal = await refusedBy(() => serveCounted(chat, ports, visit));
    return { code: refusal.code, counts };
  }

  test("is counted once for a call, and once more when its key is no good", async () => {
    expect(await serveKeyless(allowed, allowed)).toEqual({
      code: "invalid_api_key",
      counts: ["local takes", "shared takes", "local penalizes", "shared penalizes"],
    });
  });

  test("over its limit in this isolate is refused before the call is read, and counted nowhere else", async () => {
    expect(await serveKeyless(exceeded, allowed)).toEqual({ code: "rate_limit_exceeded", counts: ["local takes"] });
  });

  test("over the shared limit is refused for that and nothing else, whatever else is wrong", async () => {
    expect(await serveKeyless(allowed, exceeded)).toEqual({
      code: "rate_limit_exceeded",
      counts: ["local takes", "shared takes"],
    });
  });
});
