import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchange, sleep } from "./exchange.mjs";
import { only, OUT, record, save } from "./recording.mjs";
import { CHAT, chat, comp, HI, json, M, user } from "./requests.mjs";

const KEY = { authorization: "Bearer penstock-fixture-key" };
const keyed = (r, more = {}) => ({ ...r, headers: { ...r.headers, ...KEY, ...more } });

/** Keys, request ids and the admission limit, on a server with the flags of the README. */
export async function limited(port) {
  const target = { port, server: "limited" };
  await record(target, "key-missing", chat({ max_tokens: 1 }));
  await record(target, "key-wrong", {
    ...chat({ max_tokens: 1 }),
    headers: { "content-type": "application/json", authorization: "Bearer wrong" },
  });
  await record(target, "key-missing-models", { path: "/v1/models" });
  await record(target, "key-missing-unknown-route", { path: "/v1/nope" });
  await record(
    target,
    "key-missing-tokenize",
    json("/tokenize", { model: M, prompt: "Hello" }),
    "open in spite of --api-key",
  );
  await record(
    target,
    "key-missing-invocations",
    json("/invocations", { model: M, messages: HI, max_tokens: 1, temperature: 0 }),
    "full inference, open in spite of --api-key",
  );
  await record(target, "key-missing-preflight", {
    method: "OPTIONS",
    path: CHAT,
    headers: { origin: "https://example.org", "access-control-request-method": "POST" },
  });
  await record(
    target,
    "key-right",
    keyed(chat({ max_tokens: 1 })),
    "also: --enable-request-id-headers and --fingerprint-mode none",
  );
  await record(target, "request-id-header-echoed", keyed(chat({ max_tokens: 1 }), { "x-request-id": "fixture-3" }));
  await record(
    target,
    "request-id-header-echoed-stream",
    keyed(chat({ max_tokens: 1, stream: true }), { "x-request-id": "fixture-4" }),
  );
  await record(target, "priority-allowed", keyed(chat({ max_tokens: 1, priority: 5 })), "--scheduling-policy priority");
  if (!only || only.test("queue")) await fillQueue(target);
}

/** Fills the engine: --max-num-seqs 1 --max-num-queued-reqs 2. */
async function fillQueue(target) {
  const { port } = target;
  const long = keyed(chat({ max_tokens: 1900, ignore_eos: true, stream: true }));
  const first = exchange(port, { ...long, cut: 1500 });
  await sleep(400);
  const queued = keyed(
    chat({ max_tokens: 2, stream: true, stream_options: { include_usage: true }, messages: user("queued") }),
  );
  const second = exchange(port, queued);
  await sleep(300);
  await record(target, "queue-load", { path: "/load" }, "--enable-server-load-tracking, two calls in flight");
  const gauges = (await exchange(port, { path: "/metrics" })).body
    .split("\n")
    .filter((l) => /^vllm:(num_requests|admission)/.test(l));
  await record(target, "queue-full", keyed(chat({ max_tokens: 1 })), "two calls in flight, --max-num-queued-reqs 2");
  await record(target, "queue-full-stream", keyed(chat({ max_tokens: 1, stream: true })));
  await record(target, "queue-full-completions", keyed(comp({ max_tokens: 1 })));
  await record(target, "queue-full-n2", keyed(chat({ max_tokens: 1, n: 2, temperature: 1 })));
  await record(target, "queue-full-invalid", keyed(chat({ max_tokens: -1 })), "invalid and full: which is said first");
  await record(target, "queue-full-unknown-model", keyed(chat({ model: "nope" })));
  await record(target, "queue-full-health", { path: "/health" });
  await record(target, "queue-full-models", keyed({ path: "/v1/models" }));
  await first;
  save({
    name: "queue-waiting-stream",
    server: target.server,
    request: queued,
    response: { ...(await second), metricsWhileWaiting: gauges },
    note: "waited for the only slot; --sse-keep-alive-interval 1 makes the comments",
  });
  const after = (await exchange(port, { path: "/metrics" })).body.split("\n").filter((l) => /admission/.test(l));
  writeFileSync(join(OUT, "metrics/metrics-admission.txt"), after.join("\n") + "\n");
}
