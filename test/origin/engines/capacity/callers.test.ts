import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Callers } from "#origin/engines/capacity/callers.ts";
import { nothing } from "#origin/engines/capacity/fair-share.ts";

test("own and others are the total at any time, and an org without a call is forgotten", () => {
  const call = fc.record({
    org: fc.constantFrom("a", "b", "c"),
    sequences: fc.nat(9),
    tokens: fc.nat(9),
    isEnding: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
      const callers = new Callers();
      const live: { org: string; calls: number; sequences: number; tokens: number }[] = [];
      for (const { org, sequences, tokens, isEnding } of calls) {
        const last = isEnding ? live.pop() : undefined;
        if (last) callers.end(last.org, last);
        live.push({ org, calls: 1, sequences, tokens });
        callers.begin(org, { calls: 1, sequences, tokens });
        const { own, others } = callers.read("a");
        for (const name of ["calls", "sequences", "tokens"] as const) {
          const ofA = live.filter((one) => one.org === "a").reduce((sum, one) => sum + one[name], 0);
          expect([own[name], own[name] + others[name]]).toEqual([ofA, callers.total[name]]);
          expect(callers.total[name]).toBe(live.reduce((sum, one) => sum + one[name], 0));
        }
        expect(callers.size).toBe(new Set(live.map((one) => one.org)).size);
      }
      for (const one of live) callers.end(one.org, one);
      expect([callers.size, callers.total]).toEqual([0, nothing]);
    }),
  );
});
