import http from "node:http";
import { exchange, metric, sleep, waitIdle } from "./exchange.mjs";
import { only, save } from "./recording.mjs";
import { chat, comp } from "./requests.mjs";

/** Calls whose client goes away: streamed and whole. */
export async function aborts(port) {
  for (const [name, request] of [
    [
      "abort-stream",
      {
        ...chat({
          stream: true,
          max_tokens: 1800,
          ignore_eos: true,
          stream_options: { include_usage: true, continuous_usage_stats: true },
        }),
        cut: 5,
      },
    ],
    ["abort-whole", chat({ max_tokens: 1800, ignore_eos: true })],
  ]) {
    if (only && !only.test(name)) continue;
    const before = await metric(port, "vllm:generation_tokens_total");
    let response = { status: null };
    if (request.cut) response = await exchange(port, request);
    else {
      const req = http.request({
        host: "127.0.0.1",
        port,
        method: "POST",
        path: request.path,
        agent: false,
        headers: { ...request.headers, "content-length": Buffer.byteLength(request.body) },
      });
      req.on("error", () => {});
      req.end(request.body);
      await sleep(400);
      response.runningBefore = await metric(port, "vllm:num_requests_running");
      req.destroy();
      response.ended = "cut by the client before any answer";
    }
    const idle = await waitIdle(port);
    await sleep(500);
    const after = await metric(port, "vllm:generation_tokens_total");
    await sleep(1500);
    const later = await metric(port, "vllm:generation_tokens_total");
    save({
      name,
      server: "chat",
      request,
      response: {
        ...response,
        msUntilIdle: idle,
        tokensGenerated: after - before,
        tokensGeneratedTwoSecondsLater: later - before,
      },
      note: "the client went away; asked for 1800 tokens",
    });
  }
}

/** A chat broken off after 8 of 16 tokens and continued through /v1/completions by token ids. */
export async function resume(port) {
  const whole = chat({ max_tokens: 16, return_token_ids: true });
  const first = await exchange(port, whole);
  const body = JSON.parse(first.body);
  const ids = body.choices[0].token_ids;
  save({ name: "resume-1-whole", server: "chat", request: whole, response: first });
  const rest = comp({
    prompt: [...body.prompt_token_ids, ...ids.slice(0, 8)],
    max_tokens: 8,
    stream: true,
    return_token_ids: true,
  });
  const second = await exchange(port, rest);
  const got = second.blocks
    .filter((b) => b.startsWith("data: {"))
    .flatMap((b) => JSON.parse(b.slice(6)).choices[0]?.token_ids ?? []);
  save({
    name: "resume-2-rest",
    server: "chat",
    request: rest,
    response: { ...second, sameIds: got.join() === ids.slice(8).join() },
    note: "the prompt is the first prompt and eight of the sixteen ids of resume-1-whole",
  });
}
