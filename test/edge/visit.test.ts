import { describe, expect, test, vi } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { refuseTimeout } from "#edge/protocol/openai/timeout.ts";
import { generateRandomBytes, openVisit, type Visit } from "#edge/visit.ts";

const request = () => new Request("http://edge/CANARY?q=CANARY", { headers: { cookie: "CANARY" } });

describe("a visit", () => {
  test("has an id of its own, its request and the time it began", () => {
    const before = Date.now();
    const [one, other] = [openVisit(request(), () => {}), openVisit(request(), () => {})];
    expect(one.id).toMatch(/^req_[0-9A-Za-z]{22}$/);
    expect(one.id).not.toBe(other.id);
    expect(one.startedAtMs).toBeGreaterThanOrEqual(before);
    expect(one.now()).toBeGreaterThanOrEqual(one.startedAtMs);
    expect(generateRandomBytes(12)).toHaveLength(12);
  });

  test("logs one line of JSON: event, id and facts, and nothing that the caller sent", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const work: Promise<unknown>[] = [];
    const visit = openVisit(request(), (later) => void work.push(later));
    visit.log("refused", { code: "internal", status: 500 });
    visit.afterwards(Promise.reject(new RangeError("CANARY")));
    visit.afterwards(Promise.reject("CANARY"));
    visit.afterwards(Promise.resolve("CANARY"));
    await expect(Promise.all(work)).resolves.toBeDefined();
    const lines = log.mock.calls.map(([line]) => String(line));
    log.mockRestore();
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { event: "refused", request: visit.id, code: "internal", status: 500 },
      { event: "afterwards_failed", request: visit.id, cause: "RangeError" },
      { event: "afterwards_failed", request: visit.id, cause: "unknown" },
    ]);
    expect(lines.join("")).not.toContain("CANARY");
  });
});

test("whoever listens for the caller's leaving is told once, in turn; who no longer listens is not", () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const caller = new AbortController();
  const { leaving } = openVisit(new Request("http://edge/", { signal: caller.signal }), () => {});
  const told: string[] = [];
  const tell = (who: string) => () => void told.push(`${who} after ${log.mock.calls.length} line`);
  const [one, gone, other, late] = [tell("one"), tell("gone"), tell("other"), tell("late")];
  for (const act of [one, gone, other]) leaving.addEventListener("abort", act);
  leaving.removeEventListener("abort", gone);
  expect([leaving.aborted, told]).toEqual([false, []]);
  caller.abort();
  leaving.addEventListener("abort", late);
  caller.abort();
  log.mockRestore();
  expect([leaving.aborted, told]).toEqual([true, ["one after 1 line", "other after 1 line"]]);
});

describe("what a visit's log says of refusals", () => {
  const read = (act: (visit: Visit, leaving: AbortController) => void) => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const leaving = new AbortController();
    act(
      openVisit(new Request("http://edge/", { signal: leaving.signal }), () => {}),
      leaving,
    );
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)) as Record<string, unknown>);
    log.mockRestore();
    for (const line of lines) {
      expect(line["request"]).toMatch(/^req_/);
      if (line["event"] === "caller_left") expect(line["ms"]).toBeGreaterThanOrEqual(0);
      delete line["request"];
      delete line["ms"];
    }
    return lines;
  };
  const broken = new Refusal("bad_gateway", { log: "origin died", cause: new TypeError("CANARY") });

  test("a refusal by code and status; why and the cause where they are ours to mend", () => {
    expect(read((visit) => visit.logRefusal(broken))).toEqual([
      { event: "refused", code: "bad_gateway", status: 502, why: "origin died", cause: "TypeError" },
    ]);
    expect(read((visit) => visit.logRefusal(new Refusal("invalid_json")))).toEqual([
      { event: "refused", code: "invalid_json", status: 400 },
    ]);
  });

  test("a caller's own deadline is an event of its own", () => {
    const refusal = refuseTimeout({ ms: 700, header: "x-penstock-timeout-ms" }, { log: "late" });
    expect(read((visit) => visit.logRefusal(refusal))).toEqual([
      { event: "deadline_passed", code: "gateway_timeout", why: refusal.details.message },
    ]);
  });

  test.each(["body", "admission", "headers", "answer"] as const)(
    "whoever leaves is told once, with what was going on (%s), and is never refused for what their leaving broke",
    (phase) => {
      const left = [{ event: "caller_left", phase }];
      const leave = (visit: Visit, leaving: AbortController) => {
        visit.phase = phase;
        leaving.abort();
        visit.logRefusal(broken);
        visit.leave();
      };
      expect(read(leave)).toEqual(left);
      // Where only a write tells that nobody reads any more.
      const unheard = (visit: Visit) => {
        visit.phase = phase;
        visit.leave();
        visit.logRefusal(broken);
      };
      expect(read(unheard)).toEqual(left);
    },
  );
});
