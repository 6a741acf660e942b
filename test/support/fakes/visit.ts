import { generateRandomBytes, type Visit } from "#edge/visit.ts";

export const startedAtMs = Date.UTC(2026, 10, 20, 12, 0, 0);

/** A visit whose clock the test moves, and whose log it reads. */
export interface TestVisit extends Visit {
  nowMs: number;
  logged: { event: string; facts: Record<string, string | number | boolean | null> | undefined }[];
}

export function visitOf(request: Request = new Request("http://edge/"), id = "req_0000000000000000000000"): TestVisit {
  const visit: TestVisit = {
    id,
    request,
    leaving: request.signal,
    startedAtMs,
    headers: { "x-request-id": id },
    nowMs: startedAtMs,
    logged: [],
    now: () => visit.nowMs,
    random: generateRandomBytes,
    chance: Math.random,
    afterwards: (work) => void work.catch(() => undefined),
    log: (event, facts) => void visit.logged.push({ event, facts }),
    phase: "body",
    leave: () => visit.log("caller_left", { phase: visit.phase }),
    logRefusal: (refusal) => visit.log(refusal.details.event ?? "refused", { code: refusal.code }),
  };
  return visit;
}

/** A POST with a JSON body. */
export function posted(body: unknown, headers: Record<string, string> = {}): Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request("http://edge/v1/chat/completions", {
    method: "POST",
    body: text,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** A POST whose length nobody declared. */
export function streamed(chunks: Iterable<Uint8Array>, headers: Record<string, string> = {}): Request {
  const rest = chunks[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = rest.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });
  const init = { method: "POST", body, headers, duplex: "half" };
  return new Request("http://edge/v1/chat/completions", init as RequestInit);
}
