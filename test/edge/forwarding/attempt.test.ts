import { describe, expect, test } from "vitest";
import { buildErrorBody, buildErrorHeaders, refusals, type RefusalCode } from "#edge/errors.ts";
import { attempt, type Attempt } from "#edge/forwarding/attempt.ts";
import {
  agentError,
  answering,
  deadNode,
  hangingUp,
  openNode,
  silent,
  watching,
  type Behaviour,
} from "#test/support/stack/node.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const upstream = {
  path: "/v1/chat/completions",
  hop: "hop.token.x",
  body: new TextEncoder().encode('{"a":1}'),
  headersMsMax: 30_000,
  deadlineMs: startedAtMs + 60_000,
  endMs: startedAtMs + 61_000,
  contentType: "application/json",
  signal: new AbortController().signal,
} as const;

/** One attempt on a node that behaves so: what came of it and what the watch was told. */
async function tryOn(
  behave: Behaviour,
  signal = new AbortController().signal,
  headersMsMax: number = upstream.headersMsMax,
  rename?: (param: string) => string,
) {
  await using node = await openNode("a", behave);
  const { watch, seen, loads } = watching();
  const tried = await attempt(
    node.record,
    { ...upstream, headersMsMax, signal, ...(rename && { rename }) },
    watch,
    visitOf(),
  );
  if (tried.kind === "answer") await tried.response.body?.cancel();
  return { tried, seen, loads, asked: node.asked };
}
const no = (tried: Attempt) => {
  if (tried.kind === "answer") throw new Error("it was an answer");
  return { code: tried.refusal.code, mayRetry: tried.mayRetry, mayRun: tried.mayRun };
};

describe("what reaches the node", () => {
  test("is our method, path, body and headers, whatever the caller sent (S7)", async () => {
    await using node = await openNode("a", answering(200));
    const caller = new Request("http://edge/v1/chat/completions/..%2f;x?a=CANARY", {
      method: "POST",
      body: "CANARY",
      headers: {
        authorization: "Bearer CANARY",
        cookie: "CANARY",
        "x-forwarded-for": "CANARY",
        "cf-ray": "CANARY",
        traceparent: "CANARY",
        baggage: "CANARY",
        "x-api-key": "CANARY",
        "x-data-parallel-rank": "7",
        "x-request-id": "CANARY",
        "user-agent": "CANARY",
        "accept-language": "CANARY",
        "openai-organization": "CANARY",
      },
    });
    const tried = await attempt(node.record, upstream, watching().watch, visitOf(caller, "req_ours"));
    if (tried.kind === "answer") await tried.response.body?.cancel();
    const [asked] = node.asked;
    expect([asked?.method, asked?.url, String(asked?.body)]).toEqual(["POST", upstream.path, '{"a":1}']);
    expect(asked?.headers).toMatchObject({
      authorization: "Bearer hop.token.x",
      "content-type": "application/json",
      "x-request-id": "req_ours",
    });
    const byTheHttpLayer = [
      "host",
      "connection",
      "content-length",
      "accept",
      "accept-encoding",
      "accept-language",
      "sec-fetch-mode",
      "user-agent",
    ];
    expect(
      Object.keys(asked?.headers ?? {}).filter(
        (name) => !["authorization", "content-type", "x-request-id", ...byTheHttpLayer].includes(name),
      ),
    ).toEqual([]);
    expect(JSON.stringify(asked?.headers)).not.toContain("CANARY");
  });
});

describe("an answer", () => {
  test("of 200 is handed on as it flows; reporting its end is up to the receiver", async () => {
    const { tried, seen, loads } = await tryOn(
      answering(200, { id: 1 }, { "x-penstock-load": "run=3 wait=0 kv=0.41 held=18230" }),
    );
    expect(tried.kind).toBe("answer");
    expect(seen).toEqual(["began a", "saw a answered"]);
    expect(loads).toEqual([{ running: 3, waiting: 0, kvUsed: 0.41, heldTokens: 18_230 }]);
  });

  for (const [contentType, body] of [
    ["text/html", "<html>CANARY</html>"],
    ["text/event-stream", "data: {}\n\n"],
    [undefined, "{}"],
  ] as const) {
    test(`of 200 with ${contentType ?? "no"} type counts against the node, and another may be tried`, async () => {
      const { tried, seen } = await tryOn(
        (_, response) => void response.writeHead(200, contentType && { "content-type": contentType }).end(body),
      );
      expect(no(tried)).toEqual({ code: "bad_gateway", mayRetry: true, mayRun: false });
      expect(seen).toEqual(["began a", "saw a failed", "ended a"]);
    });
  }

  test("whose body has not ended in its time is cut off, and its receiver can tell why", async () => {
    await using node = await openNode(
      "a",
      (_, response) => void response.writeHead(200, { "content-type": "application/json" }).write("{"),
    );
    const tried = await attempt(node.record, { ...upstream, endMs: startedAtMs + 150 }, watching().watch, visitOf());
    if (tried.kind === "no") throw new Error("it was none");
    expect(tried.isLate()).toBe(false);
    await expect(tried.response.text()).rejects.toThrow(/abort/i);
    expect(tried.isLate()).toBe(true);
  });

  test("that breaks once the call's deadline has come broke by that: the node ends the call then itself", async () => {
    const visit = visitOf();
    for (const [leftMs, isLate] of [
      [1_000, false],
      [200, true],
      [-3_000, true],
    ] as const) {
      await using node = await openNode("a", (_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).write("{", () => response.destroy());
      });
      const tried = await attempt(node.record, upstream, watching().watch, visit);
      if (tried.kind === "no") throw new Error("it was none");
      await expect(tried.response.text()).rejects.toThrow();
      visit.nowMs = upstream.deadlineMs - leftMs;
      expect([leftMs, tried.isLate()]).toEqual([leftMs, isLate]);
      visit.nowMs = startedAtMs;
    }
  });

  test("that is over in its time is left alone", async () => {
    const { tried } = await tryOn(answering(200, { id: 1 }));
    if (tried.kind === "no") throw new Error("it was none");
    tried.dispose();
    expect(tried.isLate()).toBe(false);
  });

  for (const status of [201, 204, 206, 301, 302, 307]) {
    test(`of ${status} is nonsense: not followed, not handed on`, async () => {
      const { tried, asked } = await tryOn(
        (_, response) => void response.writeHead(status, { location: "http://169.254.169.254/" }).end(),
      );
      expect(no(tried)).toEqual({ code: "bad_gateway", mayRetry: false, mayRun: false });
      expect(asked).toHaveLength(1);
    });
  }
});

describe("what may be tried elsewhere", () => {
  const table: [number, boolean, RefusalCode][] = [
    [400, false, "bad_gateway"],
    [401, false, "bad_gateway"],
    [403, false, "bad_gateway"],
    [404, false, "bad_gateway"],
    [405, false, "bad_gateway"],
    [408, true, "gateway_timeout"],
    [409, false, "bad_gateway"],
    [413, false, "bad_gateway"],
    [418, false, "bad_gateway"],
    [422, false, "bad_gateway"],
    [429, true, "server_is_overloaded"],
    [500, true, "bad_gateway"],
    [501, false, "bad_gateway"],
    [502, true, "bad_gateway"],
    [503, true, "no_healthy_backends"],
    [504, true, "gateway_timeout"],
    [524, true, "bad_gateway"],
    [530, true, "bad_gateway"],
  ];
  for (const [status, mayRetry, code] of table) {
    test(`${status}: ${mayRetry ? "yes" : "no"}, and the caller sees ${code}`, async () => {
      const { tried, seen } = await tryOn(answering(status, "engine's own words: CANARY"));
      expect(no(tried)).toEqual({ code, mayRetry, mayRun: false });
      expect(seen.at(-1)).toBe("ended a");
    });
  }

  test("a node that nobody reaches, or that hangs up before a byte: yes, and it counts against the node", async () => {
    const { tried, seen } = await tryOn(hangingUp);
    expect(no(tried)).toEqual({ code: "no_healthy_backends", mayRetry: true, mayRun: false });
    expect(seen).toEqual(["began a", "saw a failed", "ended a"]);
    const dead = await attempt(await deadNode("a"), upstream, watching().watch, visitOf());
    expect(no(dead)).toEqual({ code: "no_healthy_backends", mayRetry: true, mayRun: false });
  });

  test("a call whose node sends no headers in time; it counts against the node, which may be at work", async () => {
    const { tried, seen } = await tryOn(silent, undefined, 100);
    expect(no(tried)).toEqual({ code: "gateway_timeout", mayRetry: true, mayRun: true });
    expect(seen).toEqual(["began a", "saw a failed", "ended a"]);
  });

  test("the time for headers is not the time for the answer: what has begun flows on", async () => {
    const slow: Behaviour = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).write("{");
      setTimeout(() => response.end("}"), 300);
    };
    await using node = await openNode("a", slow);
    const tried = await attempt(node.record, { ...upstream, headersMsMax: 150 }, watching().watch, visitOf());
    expect(tried.kind === "answer" && (await tried.response.text())).toBe("{}");
  });

  test("an attempt that no caller's leaving ends is ended by its time all the same", async () => {
    await using node = await openNode("a", silent);
    const unwatched = { ...upstream, headersMsMax: 100, signal: null };
    const tried = await attempt(node.record, unwatched, watching().watch, visitOf());
    expect(no(tried)).toEqual({ code: "gateway_timeout", mayRetry: true, mayRun: true });
  });

  test("nothing once the caller has left or the deadline has passed; the breaker learns nothing of it", async () => {
    for (const signal of [AbortSignal.abort(), AbortSignal.timeout(100)]) {
      const { tried, seen } = await tryOn(silent, signal);
      expect(no(tried)).toEqual({ code: "gateway_timeout", mayRetry: false, mayRun: true });
      // Told as an answer, it would close the breaker of a node that hangs; as a failure, callers could open it with
      // short deadlines.
      expect(seen).toEqual(["began a", "saw a aborted", "ended a"]);
    }
  });
});

describe("what the agent says no with", () => {
  test("in a body that never ends is what its status says, after two seconds at most", async () => {
    const startedMs = performance.now();
    const { tried, seen } = await tryOn(
      (_, response) => void response.writeHead(500, { "content-type": "application/json" }).write('{"error":'),
    );
    expect(no(tried)).toEqual({ code: "bad_gateway", mayRetry: true, mayRun: false });
    expect(seen).toEqual(["began a", "saw a failed", "ended a"]);
    expect(performance.now() - startedMs).toBeGreaterThan(1_900);
  });

  const passes: [number, RefusalCode][] = [
    [400, "context_length_exceeded"],
    [400, "invalid_value"],
    [400, "unsupported_parameter"],
    [404, "model_not_found"],
    [413, "request_too_large"],
  ];
  for (const [status, code] of passes) {
    test(`${status} ${code} reaches the caller with its words and its field`, async () => {
      const { tried } = await tryOn(answering(status, agentError(code, "Too long by 5.", "messages")));
      expect(tried).toMatchObject({
        kind: "no",
        mayRetry: false,
        refusal: { code, details: { message: "Too long by 5.", param: "messages" } },
      });
    });
  }

  test("and the field is called as the caller knows it, in the words too", async () => {
    const rename = (param: string) => param.replace("messages", "prompt");
    const answer = answering(400, agentError("invalid_value", "'messages' is wrong.", "messages"));
    const { tried } = await tryOn(answer, undefined, undefined, rename);
    expect(tried).toMatchObject({ refusal: { details: { message: "'prompt' is wrong.", param: "prompt" } } });
  });

  const nonsense: [string, number, unknown][] = [
    ["an unknown code", 400, agentError("brand_new_code", "CANARY")],
    ["vLLM's number for a code", 400, agentError(400, "CANARY")],
    ["no code", 400, { error: { message: "CANARY" } }],
    ["vLLM's flat error", 400, { object: "error", message: "CANARY", code: 400 }],
    ["FastAPI's detail", 422, { detail: [{ msg: "CANARY" }] }],
    ["an error that is text", 401, { error: "CANARY" }],
    ["no object", 400, '"CANARY"'],
    ["null", 400, "null"],
    ["an error of null", 400, { error: null }],
    ["HTML", 502, "<html>CANARY</html>"],
    ["a stack", 500, "Traceback (most recent call last): CANARY"],
    ["nothing", 400, ""],
    ["a path that the agent does not know", 404, agentError("unknown_url", "CANARY")],
    ["a member of Object.prototype", 400, agentError("toString", "CANARY")],
    ["an unknown code with the caller's status", 413, agentError("PayloadTooLargeError", "CANARY")],
  ];
  for (const [name, status, body] of nonsense) {
    test(`${name} is bad_gateway, and not a word of it passes`, async () => {
      const { tried } = await tryOn(answering(status, body));
      expect(no(tried).code).toBe("bad_gateway");
      if (tried.kind === "no")
        expect(
          JSON.stringify([buildErrorBody(tried.refusal), buildErrorHeaders(tried.refusal), tried.refusal.message]),
        ).not.toContain("CANARY");
    });
  }

  const ours = (Object.keys(refusals) as RefusalCode[]).filter((code) => code !== "unknown_url");
  test("under a status not its own is a bad gateway: no node can make the edge answer 401, 429 or 500", async () => {
    const wrong: string[] = [];
    for (const status of [400, 404, 413, 422]) {
      for (const code of ours.filter((one) => refusals[one].status !== status)) {
        const { tried } = await tryOn(answering(status, agentError(code, "CANARY")));
        if (no(tried).code !== "bad_gateway") wrong.push(`${status} ${code} -> ${no(tried).code}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("its words are cut to a paragraph, and what is no text is left out", async () => {
    const { tried } = await tryOn(answering(400, agentError("invalid_value", "x".repeat(100_000), { path: 1 })));
    if (tried.kind !== "no") throw new Error("it was an answer");
    expect(tried.refusal.details.message?.length).toBeLessThanOrEqual(512);
    expect(tried.refusal.details.param).toBeUndefined();
  });

  test("saturation is distinguished from failure", async () => {
    for (const [status, code, told] of [
      [503, "server_is_overloaded", "server_is_overloaded"],
      [429, "anything", "server_is_overloaded"],
      [503, "draining", "no_healthy_backends"],
    ] as const) {
      expect(no((await tryOn(answering(status, agentError(code)))).tried)).toEqual({
        code: told,
        mayRetry: true,
        mayRun: false,
      });
    }
  });

  const waits: [string | null, string][] = [
    [null, "1"],
    ["7", "7"],
    ["0", "1"],
    ["-5", "1"],
    ["soon", "1"],
    ["61", "60"],
    ["99", "60"],
    ["100", "1"],
    ["1.5", "1"],
    ["+7", "1"],
    ["Wed, 21 Oct 2026 07:28:00 GMT", "1"],
  ];
  for (const [header, seconds] of waits) {
    test(`retry-after '${header}' becomes ${seconds} s`, async () => {
      const { tried } = await tryOn(
        answering(503, agentError("server_is_overloaded"), header === null ? {} : { "retry-after": header }),
      );
      expect(tried.kind === "no" && buildErrorHeaders(tried.refusal)["retry-after"]).toBe(seconds);
    });
  }

  test("a retry-after without measure does not become ours", async () => {
    for (const header of ["1e400", "Infinity", "1e21", "99999999999"]) {
      const { tried } = await tryOn(answering(503, {}, { "retry-after": header }));
      const told = tried.kind === "no" ? buildErrorHeaders(tried.refusal)["retry-after"] : "";
      expect(Number(told), header).toBeGreaterThanOrEqual(1);
      expect(Number(told), header).toBeLessThanOrEqual(60);
    }
  });
});

describe("what the observer learns", () => {
  const load = { "x-penstock-load": "run=48 wait=9 kv=0.99 held=90000" };
  const table: [string, number, Record<string, string>, string][] = [
    ["a no to the call itself", 400, load, "answered"],
    ["saturation with a load report", 503, load, "answered"],
    ["a 503 that no agent wrote", 503, {}, "failed"],
    ["a tunnel without an agent behind it", 530, {}, "failed"],
    ["a 500 that no agent wrote", 500, {}, "failed"],
    ["a node that does not take our tokens", 401, load, "failed"],
    ["a node that drains", 503, { ...load, "x-penstock-node-state": "draining" }, "draining"],
    ["a load report that is none", 503, { "x-penstock-load": "run=lots" }, "failed"],
  ];
  for (const [name, status, headers, end] of table) {
    test(`${name}: ${end}`, async () =>
      expect((await tryOn(answering(status, {}, headers))).seen).toEqual(["began a", `saw a ${end}`, "ended a"]));
  }
});
