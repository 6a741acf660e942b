import { expect, test } from "vitest";
import { ActiveFaults, readFaultRule, writeUsage } from "#infra/simulator/faults.ts";

test("a rule is read as it was written, and anything else is refused by name", () => {
  const rule = { kind: "cut", path: "/v1/completions", model: "chat", times: 2, afterBytes: 10 };
  expect(readFaultRule(rule)).toEqual(rule);
  for (const [wrong, named] of [
    [null, "object"],
    [{ kind: "wat" }, "kind"],
    [{ kind: "cut", times: -1 }, "times"],
    [{ kind: "cut", path: 5 }, "path"],
    [{ kind: "usage", lie: "x" }, "lie"],
    [{ kind: "cut", after: 1 }, "after"],
  ]) {
    expect(() => readFaultRule(wrong)).toThrow(String(named));
  }
});

test("a rule meets calls of its model, so often as it says; a path reaches beyond calls", () => {
  const faults = new ActiveFaults();
  faults.add({ kind: "stall", model: "chat", times: 1 });
  faults.add({ kind: "status", path: "/health" });
  expect(faults.draw("/v1/completions", ["other"], true)).toEqual([]);
  expect(faults.draw("/v1/completions", ["Qwen", "chat"], true)).toHaveLength(1);
  expect(faults.draw("/v1/completions", ["Qwen", "chat"], true)).toEqual([]);
  expect(faults.draw("/health", [], false)).toHaveLength(1);
  expect(faults.list()).toEqual([{ kind: "status", path: "/health" }]);
  faults.clear();
  expect(faults.list()).toEqual([]);
});

test("usage without a lie is reported as it is", () => {
  const usage = { prompt_tokens: 3, total_tokens: 8, completion_tokens: 5 };
  expect(writeUsage(usage, [{ kind: "stall" }])).toBe(JSON.stringify(usage));
  expect(writeUsage(usage, [{ kind: "usage", lie: "less" }])).toBe(
    '{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2}',
  );
  expect(writeUsage(usage, [readFaultRule({ kind: "usage", lie: "more", tokens: 90 })])).toBe(
    '{"prompt_tokens":90,"total_tokens":95,"completion_tokens":5}',
  );
});
