import { describe, expect, test, vi } from "vitest";
import { openVisit, generateRandomBytes } from "#edge/visit.ts";

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
