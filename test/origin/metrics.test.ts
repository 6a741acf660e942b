import { expect, test } from "vitest";
import { openMetrics } from "#origin/metrics.ts";

test("the page is Prometheus text: every sample has a type, the engine's page comes after ours as it is", () => {
  const metrics = openMetrics();
  metrics.noteRequest("completed");
  metrics.noteRequest("completed");
  metrics.noteRequest("invalid_value");
  metrics.notePing();
  metrics.noteAuthFailure();
  metrics.noteTokens(3, 4);
  metrics.noteOverHold(5);
  metrics.noteOverHold(6);
  const page = metrics.write({ inflight: 1, sequences: 4, heldTokens: 2, usageBacklogBytes: 3, isReady: true }, [
    "vllm:num_requests_running 0\n",
  ]);
  expect(page).toContain(
    'penstock_agent_requests_total{outcome="completed"} 2\npenstock_agent_requests_total{outcome="invalid_value"} 1\n',
  );
  expect(page).toContain("penstock_agent_over_hold_tokens_total 11\n");
  expect(page).toMatch(/penstock_agent_inflight_calls 1\n[\s\S]*penstock_agent_inflight_sequences 4\n/);
  expect(page).toMatch(/penstock_agent_ready 1\nvllm:num_requests_running 0\n$/);
  for (const line of page.split("\n").filter((text) => text.startsWith("agent_"))) {
    expect(page).toContain(`# TYPE ${/^\w+/.exec(line)?.[0]} `);
    expect(line).toMatch(/^agent_\w+(\{outcome="\w+"\})? \d+$/);
  }
});

test("waits for a form are summed and counted, and slow ones by themselves", () => {
  const metrics = openMetrics();
  metrics.noteStructuredFirstToken(250);
  metrics.noteStructuredFirstToken(9_500);
  metrics.noteSlowStructured();
  const page = metrics.write({ inflight: 0, sequences: 0, heldTokens: 0, usageBacklogBytes: 0, isReady: true }, []);
  const name = "penstock_agent_structured_first_token_seconds";
  expect(page).toContain(`# TYPE ${name} summary\n${name}_sum 9.75\n${name}_count 2\n`);
  expect(page).toContain("penstock_agent_slow_structured_calls_total 1\n");
});

test("two engines' pages describe each family once, and keep both engines' samples", () => {
  const page = (model: string) => `# HELP vllm:x X\n# TYPE vllm:x gauge\nvllm:x{model_name="${model}"} 1\n`;
  const text = openMetrics().write({ inflight: 0, sequences: 0, heldTokens: 0, usageBacklogBytes: 0, isReady: false }, [
    page("a"),
    page("b"),
  ]);
  expect(text.match(/# TYPE vllm:x/g)).toHaveLength(1);
  expect(text).toContain('vllm:x{model_name="a"} 1\nvllm:x{model_name="b"} 1\n');
});
