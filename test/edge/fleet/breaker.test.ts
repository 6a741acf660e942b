import fc from "fast-check";
import { expect, test } from "vitest";
import { allowProbe, beginAttempt, closedBreaker, endAttempt, readBreaker, type Breaker } from "#edge/fleet/breaker.ts";
import type { AttemptEnd } from "#edge/fleet/port.ts";
import { breakerOpenMs } from "#edge/limits.ts";

const t0 = 1_800_000_000_000;
const run = (breaker: Breaker, ends: readonly AttemptEnd[], nowMs = t0) =>
  ends.reduce((before, end) => endAttempt(beginAttempt(before, nowMs), end, nowMs), breaker);
const opened = run(closedBreaker, ["failed", "failed", "failed"]);

test("opens at the third failure in a row, and stays open for 30 s", () => {
  expect(readBreaker(run(closedBreaker, ["failed", "failed"]), t0)).toBe("closed");
  expect(readBreaker(opened, t0)).toBe("open");
  expect(readBreaker(opened, t0 + breakerOpenMs - 1)).toBe("open");
  expect(readBreaker(opened, t0 + breakerOpenMs)).toBe("probing");
});

test("does not add up failures with an answer between them", () => {
  const ends = Array.from({ length: 5 }, () => ["failed", "failed", "answered"] as const).flat();
  expect(readBreaker(run(closedBreaker, ends), t0)).toBe("closed");
});

test("lets one call probe, and holds back the others for as long as it does", () => {
  const later = t0 + breakerOpenMs;
  const probed = beginAttempt(opened, later);
  expect(readBreaker(probed, later)).toBe("open");
  expect(readBreaker(probed, later + 10_000)).toBe("open");
  // A second call, ranked before, slips in beside the probe.
  expect(readBreaker(beginAttempt(probed, later + 1), later + 2)).toBe("open");
});

test("does not take for the probe a call that was let through while it was open", () => {
  expect(readBreaker(beginAttempt(opened, t0 + 1), t0 + breakerOpenMs)).toBe("probing");
});

test("closes when the probe is answered, and opens for another 30 s when it fails", () => {
  const later = t0 + breakerOpenMs;
  const failed = run(opened, ["failed"], later);
  expect(readBreaker(failed, later + breakerOpenMs - 1)).toBe("open");
  const answered = run(failed, ["answered"], later + breakerOpenMs);
  expect(answered).toEqual(closedBreaker);
  expect(readBreaker(run(answered, ["failed"], later + breakerOpenMs), later + breakerOpenMs)).toBe("closed");
});

test("may be probed early once the node was heard to be ready after it opened, and not before", () => {
  expect(allowProbe(opened, t0)).toBe(opened);
  expect(readBreaker(allowProbe(opened, t0 - 100), t0 + 1_000)).toBe("open");
  const allowed = allowProbe(opened, t0 + 2_000);
  expect(readBreaker(allowed, t0 + 2_000)).toBe("probing");
  expect(readBreaker(beginAttempt(allowed, t0 + 2_000), t0 + 2_000)).toBe("open");
  expect(allowProbe(closedBreaker, t0)).toBe(closedBreaker);
});

test("stays open when the node is heard to be ready while the probe is under way", () => {
  const probed = beginAttempt(opened, t0 + breakerOpenMs);
  expect(readBreaker(allowProbe(probed, t0 + breakerOpenMs + 100), t0 + breakerOpenMs + 100)).toBe("open");
});

test("learns nothing from attempts that were aborted or that met a node which drains, but that a probe is over", () => {
  for (const end of ["aborted", "draining"] as const) {
    expect(run(closedBreaker, [end, end, end, end, end])).toEqual(closedBreaker);
    expect(readBreaker(run(closedBreaker, ["failed", "failed", end, "failed"]), t0)).toBe("open");
    expect(readBreaker(run(opened, [end], t0 + breakerOpenMs), t0 + breakerOpenMs)).toBe("probing");
  }
});

test("whatever happens when: three failures in a row are needed to open it, and an answer always closes it", () => {
  const ends = fc.array(fc.constantFrom<AttemptEnd>("answered", "failed", "draining", "aborted"), { maxLength: 60 });
  fc.assert(
    fc.property(ends, fc.nat(40_000), (walk, stepMs) => {
      let breaker: Breaker = closedBreaker;
      let failures = 0;
      for (const [index, end] of walk.entries()) {
        const nowMs = t0 + index * stepMs;
        breaker = endAttempt(beginAttempt(breaker, nowMs), end, nowMs);
        if (end === "failed") failures++;
        if (end === "answered") failures = 0;
        expect(readBreaker(breaker, nowMs) === "closed").toBe(failures < 3);
      }
    }),
  );
});
