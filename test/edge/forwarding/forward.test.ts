import { afterEach, describe, expect, test, vi } from "vitest";
import { openRetryBudget } from "#edge/forwarding/budget.ts";
import { callMsMax, streamHeadersMsMax } from "#edge/limits.ts";
import { readCall, type Call } from "#edge/protocol/openai/call.ts";
import { testModels } from "#test/support/fakes/models.ts";
import {
  agentError,
  answering,
  deadNode,
  hangingUp,
  openNode,
  watching,
  type Behaviour,
  silent,
} from "#test/support/stack/node.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";
import { callOf, chatCall, digestOf, forward, originOf, readHop, reserved, type Origin } from "./world.ts";

const fine = answering(200, { id: "chatcmpl-1" });

/** Forwards a chat call over nodes that behave so, and tells who was asked how often and what came of it. */
async function over(
  behaviours: Behaviour[],
  given: { origin?: Partial<Origin>; signal?: AbortSignal; call?: Call } = {},
) {
  const nodes = await Promise.all(
    behaviours.map((behave, at) => openNode("abcdef"[at] ?? "", behave, at === 1 ? { tier: "complex" } : {})),
  );
  const { watch: observer, seen } = watching();
  const visit = visitOf();
  try {
    const result = await forward(
      visit,
      {
        call: given.call ?? (await chatCall()),
        reserved,
        nodes: nodes.map(({ record }) => record),
        signal: given.signal ?? new AbortController().signal,
      },
      originOf({ observer, ...given.origin }),
    );
    const all = { seen, visit, nodes };
    if (result.kind === "no")
      return { ...all, no: result, text: undefined, answer: undefined, asked: nodes.map((node) => node.asked.length) };
    const text = await result.response.text().catch((broken: unknown) => ({ broken }));
    return { ...all, no: undefined, text, answer: result, asked: nodes.map((node) => node.asked.length) };
  } finally {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

describe("the first node that answers serves", () => {
  test("and the others are left in peace; whoever reads the answer reports its end", async () => {
    const { text, answer, asked, seen } = await over([fine, fine]);
    expect([text, answer?.node, answer?.servedBy, asked]).toEqual(['{"id":"chatcmpl-1"}', "node_a", "shared", [1, 0]]);
    expect(seen).toEqual(["began a", "saw a answered"]);
    answer?.dispose();
    expect(seen.at(-1)).toBe("ended a");
  });

  for (const [name, bad] of [
    ["hangs up", hangingUp],
    ["is saturated", answering(503, agentError("server_is_overloaded"))],
    ["has timed out", answering(408)],
    ["is rate limiting us", answering(429)],
    ["crashed", answering(500)],
  ] as const) {
    test(`when the first ${name} the next one does, and the tier reported is its own`, async () => {
      const { answer, asked } = await over([bad, fine]);
      expect([answer?.servedBy, asked]).toEqual(["complex", [1, 1]]);
    });
  }

  for (const status of [400, 401, 404, 413, 422, 501, 302]) {
    test(`after ${status} no other node is tried`, async () => {
      const { no, asked } = await over([answering(status), fine]);
      expect([no?.refusal.code, no?.mayRun]).toEqual(["bad_gateway", false]);
      expect(asked).toEqual([1, 0]);
    });
  }

  test("once a byte came back nothing is tried again, even when the answer breaks off", async () => {
    const broken: Behaviour = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: {}\n\n", () => response.destroy());
    };
    const { text, answer, asked } = await over([broken, fine], { call: await chatCall({ stream: true }) });
    expect(answer?.servedBy).toBe("shared");
    expect(text).toEqual({ broken: expect.any(TypeError) });
    expect(asked).toEqual([1, 0]);
  });
});

describe("when nobody answers", () => {
  test("three are tried and no more, and the last one's refusal is the answer", async () => {
    const { no, asked, seen, visit } = await over([
      hangingUp,
      answering(500),
      answering(503, agentError("server_is_overloaded")),
      fine,
      fine,
    ]);
    expect([no?.refusal.code, no?.mayRun]).toEqual(["server_is_overloaded", false]);
    expect(asked).toEqual([1, 1, 1, 0, 0]);
    expect(seen.filter((word) => word.startsWith("ended"))).toEqual(["ended a", "ended b", "ended c"]);
    expect(visit.logged.map(({ event, facts }) => [event, facts?.node, facts?.attempt])).toEqual([
      ["attempt_failed", "node_a", 1],
      ["attempt_failed", "node_b", 2],
      ["attempt_failed", "node_c", 3],
    ]);
  });

  test("without any node it is 503 no_healthy_backends, at once and with a time to come again", async () => {
    const start = performance.now();
    const { no } = await over([]);
    expect(no).toMatchObject({
      refusal: { code: "no_healthy_backends", status: 503, details: { retryAfterMs: 1_000 } },
      mayRun: false,
    });
    expect(performance.now() - start).toBeLessThan(500);
  });

  test("with all nodes out of reach it is 503 in under a second", async () => {
    const nodes = await Promise.all(["a", "b", "c"].map(deadNode));
    const start = performance.now();
    const result = await forward(
      visitOf(),
      { call: await chatCall(), reserved, nodes, signal: new AbortController().signal },
      originOf(),
    );
    expect(result).toMatchObject({ kind: "no", refusal: { code: "no_healthy_backends" }, mayRun: false });
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe("the retry budget", () => {
  test("once spent, a failure of the first node is the answer; the next call is tried once as ever", async () => {
    const budget = openRetryBudget();
    const asked = [];
    for (let turn = 0; turn < 5; turn++)
      asked.push((await over([answering(500), answering(500), answering(500)], { origin: { budget } })).asked);
    expect(asked).toEqual([
      [1, 1, 1],
      [1, 1, 0],
      [1, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
    ]);
    expect((await over([fine], { origin: { budget } })).text).toContain("chatcmpl-1");
  });

  test("grows with calls that went well: a fifth of them", async () => {
    const budget = openRetryBudget();
    for (let i = 0; i < 20; i++) budget.countCall(startedAtMs);
    const asked = [];
    for (let turn = 0; turn < 3; turn++)
      asked.push((await over([answering(500), answering(500), answering(500)], { origin: { budget } })).asked);
    expect(asked).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 0, 0],
    ]);
  });
});

describe("an org that has its share of a node", () => {
  const share = answering(503, agentError("server_is_overloaded", "Your calls have all."), {
    "x-penstock-org-share": "full",
    "x-penstock-load": "run=192 wait=0 kv=0.5 held=9",
    "retry-after": "1",
  });

  test("is tried on other nodes without the budget, which is everybody's", async () => {
    const budget = openRetryBudget();
    for (let turn = 0; turn < 20; turn++) {
      const { no, asked, seen } = await over([share, share, share, fine], { origin: { budget } });
      expect(asked).toEqual([1, 1, 1, 0]);
      expect(no).toMatchObject({
        mayRun: false,
        refusal: {
          code: "server_is_overloaded",
          details: { message: "Your calls have all.", retryAfterMs: 1_000, log: "org_share_full" },
        },
      });
      // No breaker opens by it: the node answers, and says how busy it is.
      expect(seen.filter((word) => word.startsWith("saw"))).toEqual([
        "saw a answered",
        "saw b answered",
        "saw c answered",
      ]);
    }
    const { answer } = await over([answering(500), fine], { origin: { budget } });
    expect(answer?.servedBy).toBe("complex");
  });

  test("is served by a node where it has not", async () => {
    expect((await over([share, fine])).answer?.servedBy).toBe("complex");
  });

  test("a node that fails after that is not free", async () => {
    const budget = openRetryBudget();
    while (budget.takeRetry(startedAtMs));
    const { asked } = await over([share, answering(500), fine], { origin: { budget } });
    expect(asked).toEqual([1, 1, 0]);
  });
});

describe("a caller whose own time is over", () => {
  const shortCall = async (header: string | null) => ({
    ...(await chatCall()),
    deadlineMs: startedAtMs + 100,
    timeout: { ms: 100, header },
  });

  test("is told so, and not to try again; no node has failed, and no other is tried", async () => {
    const call = await shortCall("x-penstock-timeout-ms");
    const { no, asked, seen, visit } = await over([silent, fine], { call });
    expect(no).toMatchObject({ mayRun: true, refusal: { code: "gateway_timeout" } });
    expect(no?.refusal.details).toMatchObject({
      message: "The call's time ran out: 100 ms, set by the caller's 'x-penstock-timeout-ms'.",
      mayRetry: false,
      retryAfterMs: undefined,
      event: "deadline_passed",
    });
    expect(seen).toEqual(["began a", "saw a aborted", "ended a"]);
    expect([asked, visit.logged]).toEqual([[1, 0], []]);
  });

  test("hears the same when the node says so first", async () => {
    const call = await shortCall("x-penstock-timeout-ms");
    const { no, visit } = await over([answering(504, agentError("gateway_timeout"))], { call });
    expect([no?.refusal.details.event, visit.logged]).toEqual(["deadline_passed", []]);
  });

  test("is not taken for one whose call took the longest time that we allow: that is in the log", async () => {
    const { no, visit } = await over([silent], { call: await shortCall(null) });
    expect(no?.refusal.details).toMatchObject({ message: expect.stringContaining("the longest that a call may take") });
    expect(no?.refusal.details).not.toHaveProperty("event");
    expect(visit.logged.map(({ event }) => event)).toEqual(["attempt_failed"]);
  });

  test("has it told to a stream's node, whose error event it is; a whole answer's words are ours", async () => {
    const read = async (call: Call) => {
      const { nodes } = await over([answering(500)], { call });
      return readHop("node_a", nodes[0]?.asked[0]?.headers ?? {})?.ownTimeoutMs;
    };
    const stream = await chatCall({ stream: true });
    const own = { ms: 700, header: "x-penstock-timeout-ms" };
    expect(await read({ ...stream, timeout: own })).toBe(700);
    expect(await read(stream)).toBeUndefined();
    expect(await read({ ...(await chatCall()), timeout: own })).toBeUndefined();
  });
});

describe("a caller who has left", () => {
  test("aborts the attempt under way, and no other node is tried; none has failed", async () => {
    const abort = new AbortController();
    const gone: Promise<void>[] = [];
    const waiting: Behaviour = (_, response) => {
      gone.push(new Promise((resolve) => response.on("close", resolve)));
      abort.abort();
    };
    const { no, asked, seen, visit } = await over([waiting, fine], { signal: abort.signal });
    expect([visit.logged, visit.phase]).toEqual([[], "headers"]);
    expect([no?.refusal.code, no?.mayRun]).toEqual(["gateway_timeout", true]);
    expect(seen).toEqual(["began a", "saw a aborted", "ended a"]);
    expect(asked).toEqual([1, 0]);
    await Promise.all(gone);
  });

  test("before the first attempt costs no node anything", async () => {
    const { no, asked } = await over([fine, fine], { signal: AbortSignal.abort() });
    expect(no?.refusal.code).toBe("gateway_timeout");
    expect(asked).toEqual([0, 0]);
  });

  test("while a node drags out its refusal, ends the call there", async () => {
    const dragging: Behaviour = (_, response) => void response.writeHead(503).write("{");
    const { asked, no } = await over([dragging, fine], { signal: AbortSignal.timeout(200) });
    expect(asked).toEqual([1, 0]);
    expect([no?.refusal.code, no?.mayRun]).toEqual(["no_healthy_backends", false]);
  });
});

describe("a node that is silent", () => {
  afterEach(() => void vi.useRealTimers());

  test("is given up after 30 s on a stream; if no other answers, it may have run the call all the same", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const late: Behaviour = () => void vi.advanceTimersByTime(streamHeadersMsMax);
    const call = await chatCall({ stream: true });
    const streaming = answering(200, "data: {}\n\n", { "content-type": "text/event-stream" });
    const { answer, asked, seen } = await over([late, streaming], { call });
    expect([answer?.servedBy, asked]).toEqual(["complex", [1, 1]]);
    expect(seen).toEqual(["began a", "saw a failed", "ended a", "began b", "saw b answered"]);
    const { no } = await over([late, answering(422), fine], { call });
    expect([no?.refusal.code, no?.mayRun]).toEqual(["bad_gateway", true]);
  });

  test("is given the call's whole time when the answer is no stream: engines speak only at its end", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const patient: Behaviour = (asked, response, request) => {
      vi.advanceTimersByTime(callMsMax - 1);
      fine(asked, response, request);
    };
    const { answer, asked } = await over([patient, fine]);
    expect([answer?.servedBy, asked]).toEqual(["shared", [1, 0]]);
  });
});

describe("each attempt", () => {
  test("carries the same body, as read and not as sent, and a token for that node and body alone", async () => {
    const call = await chatCall({ user: null, cache_salt: "CANARY", model: "chat", n: 2 });
    const { nodes } = await over([hangingUp, answering(500), fine], { call });
    const jtis = new Set<string>();
    for (const [at, node] of nodes.entries()) {
      const [asked] = node.asked;
      const body = asked?.body ?? new Uint8Array();
      expect(JSON.parse(String(body))).toEqual({
        model: call.model.id,
        messages: [{ role: "user", content: "é" }],
        max_tokens: 20,
        n: 2,
      });
      expect(asked?.url).toBe("/v1/chat/completions");
      const claims = readHop(node.record.id, asked?.headers ?? {}) ?? expect.fail("no token of this node's");
      jtis.add(claims.jti);
      expect(claims).toMatchObject({
        node: node.record.id,
        issuedAtMs: startedAtMs,
        org: reserved.org,
        hold: reserved.hold,
        attempt: at + 1,
        endpoint: "chat.completions",
        model: call.model.id,
        tier: "shared",
        tokensHeld: 300,
        completionTokensMax: 20,
        isDefaultMax: false,
        deadlineMs: call.deadlineMs,
        promptTokensGuess: call.promptTokensGuess,
        ticket: `${reserved.hold}.${node.record.id}`,
        bodySha256: digestOf(body),
      });
    }
    expect(jtis.size).toBe(3);
  });

  test("reports no estimate for a prompt with images, of which it counts the words only", async () => {
    const call = await chatCall({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA" } }] }],
    });
    const { nodes } = await over([fine], { call });
    const claims = readHop("node_a", nodes[0]?.asked[0]?.headers ?? {});
    expect(claims).toMatchObject({ hold: reserved.hold });
    expect(claims).not.toHaveProperty("promptTokensGuess");
  });

  test("requests what was granted when that is less than the caller's", async () => {
    const { nodes } = await over([fine], { call: await chatCall({ max_tokens: 500 }) });
    expect(JSON.parse(String(nodes[0]?.asked[0]?.body)).max_tokens).toBe(20);
  });

  test("of embeddings asks for no completion", async () => {
    const { nodes } = await over([fine], { call: await callOf("embeddings", { model: "embed", input: "x" }) });
    expect(JSON.parse(String(nodes[0]?.asked[0]?.body))).toEqual({ model: "BAAI/bge-m3", input: "x" });
    expect(nodes[0]?.asked[0]?.url).toBe("/v1/embeddings");
  });

  test("of a call that brings a file carries a form of ours, the same to each node", async () => {
    const form = new FormData();
    form.append("file", new File(["ID3 sound"], "secret name.mp3"));
    form.append("model", "whisper");
    const call = await readCall(
      visitOf(new Request("https://x/", { method: "POST", body: form })),
      "audio.transcriptions",
      testModels,
    );
    const { nodes, asked } = await over([answering(500), answering(200, { text: "x" })], { call });
    expect(asked).toEqual([1, 1]);
    const bodies = nodes.map((node) => node.asked[0]?.body ?? new Uint8Array());
    const text = Buffer.from(bodies[0] ?? []).toString();
    expect(Buffer.from(bodies[1] ?? []).toString()).toBe(text);
    const headers = nodes[0]?.asked[0]?.headers ?? {};
    expect(headers["content-type"]).toMatch(/^multipart\/form-data; boundary=penstock-\w{40}$/);
    expect(text).toContain("ID3 sound");
    expect(text).toContain('filename="audio.mp3"');
    expect(text).not.toContain("secret");
    expect(readHop("node_a", headers)?.bodySha256).toBe(digestOf(bodies[0] ?? new Uint8Array()));
  });
});
