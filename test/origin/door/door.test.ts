import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeHop, makeOrder, type Order } from "#edge/agreements/tokens/hop.ts";
import { answerJson, startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";
import {
  hopClaims,
  onceClaims,
  readAnswer,
  send,
  setUp,
  sha256,
  until,
  type Setup,
} from "#test/support/fakes/origin.ts";

let engine: FakeEngine;
let setup: Setup;

beforeAll(async () => {
  engine = await startFakeEngine();
  engine.metrics =
    'vllm:num_requests_running{engine="0"} 1.0\nvllm:cache_config_info{block_size="16",num_gpu_blocks="6050"} 1.0\n';
  engine.script = (response) =>
    answerJson(response, 200, { choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }] });
  setup = await setUp(engine.url);
});
afterAll(async () => {
  await setup.stop();
  await engine.close();
});

async function order(name: Order, path: string, method = "POST") {
  const token = makeOrder({ ...onceClaims(), order: name }, setup.keys.hop);
  return fetch(setup.agent.url + path, { method, headers: { authorization: `Bearer ${token}` } });
}

describe("routes", () => {
  test.each([
    ["POST", "/invocations"],
    ["POST", "/v1/responses"],
    ["GET", "/v1/chat/completions"],
    ["POST", "/v1/chat/completions?x=1"],
    ["POST", "/v1//chat/completions"],
    ["POST", "/v1/chat/completions/"],
    ["POST", "/v1/%63hat/completions"],
    ["GET", "/"],
    ["GET", "/version"],
    ["POST", "/sleep"],
    ["DELETE", "/v1/models"],
    ["GET", "/constructor"],
  ])("%s %s is 404 in our envelope, and reaches no engine", async (method, path) => {
    const answer = await fetch(setup.agent.url + path, { method });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      error: { code: "unknown_url", type: "invalid_request_error", param: null },
    });
    expect(engine.calls).toHaveLength(0);
  });

  test("health and metrics answer this machine, and are 404 for what comes through the tunnel", async () => {
    for (const path of ["/livez", "/readyz", "/metrics"]) {
      expect((await fetch(setup.agent.url + path)).status).toBe(200);
      for (const header of ["cf-ray", "cf-connecting-ip", "x-forwarded-for"]) {
        expect((await fetch(setup.agent.url + path, { headers: { [header]: "127.0.0.1" } })).status).toBe(404);
      }
    }
  });

  test("metrics are ours and the engine's, which keep their own names", async () => {
    const page = await (await fetch(`${setup.agent.url}/metrics`)).text();
    for (const name of [
      "penstock_agent_requests_total",
      "penstock_agent_inflight_calls",
      "penstock_agent_auth_failures_total",
      "penstock_agent_usage_backlog_bytes",
      "penstock_agent_pings_total",
    ]) {
      expect(page).toContain(`# TYPE ${name} `);
    }
    expect(page).toContain('vllm:num_requests_running{engine="0"} 1.0');
  });

  test("a prompt is counted for the edge, without its tokens", async () => {
    const body = JSON.stringify({ messages: [{ role: "user", content: "Hi" }] });
    const token = makeHop(hopClaims({ bodySha256: sha256(body) }), setup.keys.hop);
    const request = send(`${setup.agent.url}/tokenize`, body, token);
    const answer = await new Promise<Awaited<ReturnType<typeof readAnswer>>>((resolve) =>
      request.on("response", (response) => void readAnswer(response).then(resolve)),
    );
    expect(JSON.parse(answer.text)).toEqual({ count: 7, max_model_len: 100 });
    expect((await fetch(`${setup.agent.url}/tokenize`, { method: "POST", body })).status).toBe(401);
  });

  test("counting a prompt fetches no address either", async () => {
    const body = JSON.stringify({ messages: [{ role: "user", content: [{ image_url: "http://169.254.169.254/" }] }] });
    const token = makeHop(hopClaims({ bodySha256: sha256(body) }), setup.keys.hop);
    const answer = await fetch(`${setup.agent.url}/tokenize`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(400);
  });

  test("models are listed for the edge alone", async () => {
    expect((await fetch(`${setup.agent.url}/v1/models`)).status).toBe(401);
    expect(await (await order("models", "/v1/models", "GET")).json()).toMatchObject({
      object: "list",
      data: [{ id: "public" }],
    });
  });
});

describe("orders", () => {
  test("a call's token is no order, and one order's token is not another's", async () => {
    const token = makeHop(hopClaims(), setup.keys.hop);
    expect(
      (await fetch(`${setup.agent.url}/drain`, { method: "POST", headers: { authorization: `Bearer ${token}` } }))
        .status,
    ).toBe(401);
    expect((await order("undrain", "/drain")).status).toBe(401);
    expect((await fetch(`${setup.agent.url}/readyz`)).status).toBe(200);
  });

  test("drain refuses new calls with the node's state until undrain", async () => {
    const drained = await order("drain", "/drain");
    expect([drained.status, await drained.json()]).toEqual([202, { state: "draining", inflight: 0 }]);
    const refused = await setup.call();
    expect(refused.status).toBe(503);
    expect(refused.headers["x-penstock-node-state"]).toBe("draining");
    expect(refused.headers["retry-after"]).toBe("1");
    expect(JSON.parse(refused.text).error.code).toBe("no_healthy_backends");
    // The order is answered first, and the edge learns of it at once.
    await until(() => setup.edge.heartbeats.at(-1)?.state === "draining");
    expect((await fetch(`${setup.agent.url}/readyz`)).status).toBe(503);
    expect((await order("undrain", "/undrain")).status).toBe(200);
    expect((await setup.call()).status).toBe(200);
  });
});
