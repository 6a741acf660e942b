import * as fc from "fast-check";
import { expect, test } from "vitest";
import { apply, freesAtMs, readUse } from "#edge/ledger/counters.ts";
import { windowNames } from "#edge/agreements/records/windows.ts";
import { decide } from "#edge/ledger/decide.ts";
import { publish } from "#edge/ledger/publish.ts";
import { createState, type State } from "#edge/ledger/state.ts";
import { makeRequest, freshOrg, keyId, keyRecord, noon, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";

const org = freshOrg();

function stateWith(limits: Parameters<typeof orgRecord>[1]): State {
  const state = publish(createState(), orgRecord(org, limits));
  const both = state && publish(state, keyRecord(org, 1, { limits: { concurrency: 3 } }));
  if (!both) throw new Error("not published");
  return both;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}

test("deciding changes nothing, whatever is decided: it works on a frozen state", () => {
  const state = stateWith({ requestsPerMinute: 2, tokensPerDay: 70, costMicrosPerMonth: 1_000 });
  for (let i = 0; i < 9; i++) {
    const before = JSON.stringify(state);
    const copy: State = JSON.parse(before) as State;
    deepFreeze(copy);
    const decision = decide(copy, makeRequest(org), null, noon + i * 30_000);
    expect(JSON.stringify(copy)).toBe(before);
    if (decision.kind === "granted") apply(state, { kind: "held", hold: decision.hold });
  }
});

test("a state is JSON: read back from text it decides the same", () => {
  const state = stateWith({ requestsPerMinute: 2, tokensPerMinute: 100 });
  for (let i = 0; i < 6; i++) {
    const request = makeRequest(org);
    const decision = decide(state, request, null, noon + i * 10_000);
    expect(decide(JSON.parse(JSON.stringify(state)) as State, request, null, noon + i * 10_000)).toEqual(decision);
    if (decision.kind === "granted") apply(state, { kind: "held", hold: decision.hold });
  }
});

test("a wait that a window names is exact: refused the ms before, passed at it", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(
        "requestsPerMinute",
        "requestsPerHour",
        "tokensPerMinute",
        "requestsPerDay",
        "tokensPerMonth",
        "costMicrosPerMonth",
      ),
      fc.array(fc.nat(20_000), { maxLength: 12 }),
      (window, gaps) => {
        const state = stateWith({
          [window]: window.startsWith("requests") ? 3 : window.startsWith("tokens") ? 100 : 160,
        });
        state.keys = Object.fromEntries(Object.entries(state.keys).map(([id, key]) => [id, { ...key, limits: null }]));
        let now = noon;
        for (const gap of gaps) {
          now += gap;
          const decision = decide(state, makeRequest(org), null, now);
          if (decision.kind === "granted") {
            apply(state, { kind: "held", hold: decision.hold });
            continue;
          }
          const { denial } = decision;
          if (!("window" in denial)) throw new Error(denial.reason);
          // Here nothing has settled yet: of a month's tokens and money all may come back.
          const mayEndSoon = window === "tokensPerMonth" || window === "costMicrosPerMonth";
          expect(denial.retryAfterMs).toBe(mayEndSoon ? 1_000 : denial.resetAtMs - now);
          expect(decide(state, makeRequest(org), null, denial.resetAtMs - 1).kind).toBe("denied");
          expect(decide(state, makeRequest(org), null, denial.resetAtMs).kind).toBe("granted");
        }
      },
    ),
  );
});

test("a client token stands for its key without a digest, allows no more than that does, and falls with it", () => {
  const state = publish(stateWith({}), keyRecord(org, 1, { models: ["small", "big"], version: 2 }))!;
  const reasonFor = (of: State, fields: Parameters<typeof makeRequest>[1]) => {
    const decision = decide(
      of,
      makeRequest(org, { digests: [], token: { endpoints: null, models: null }, ...fields }),
      null,
      noon,
    );
    return decision.kind === "granted" ? "granted" : decision.denial;
  };
  expect(reasonFor(state, {})).toBe("granted");
  expect(reasonFor(state, { token: { endpoints: ["embeddings"], models: null } })).toEqual({
    kind: "denial",
    reason: "endpoint",
  });
  expect(reasonFor(state, { token: { endpoints: null, models: ["big"] } })).toEqual({
    kind: "denial",
    reason: "model",
  });
  expect(reasonFor(state, { token: { endpoints: null, models: ["huge"] }, model: "huge" })).toEqual({
    kind: "denial",
    reason: "model",
  });
  expect(reasonFor(publish(state, keyRecord(org, 1, { isRevoked: true, version: 3 }))!, {})).toEqual({
    kind: "denial",
    reason: "key",
  });
});

test("neither the digest that unknown keys are compared with nor another org's name opens a ledger", () => {
  const state = stateWith({});
  const zeros = [{ kid: "p1", digest: "0".repeat(64) }];
  for (const request of [
    makeRequest(org, { key: keyId(org, 9), digests: zeros }),
    makeRequest(org, { digests: zeros }),
    { ...makeRequest(org), org: freshOrg() },
  ]) {
    expect(decide(state, request, null, noon)).toEqual({
      kind: "denied",
      denial: { kind: "denial", reason: "key" },
      wait: null,
    });
  }
});

test("every window is full again when it says so, if nothing else happens", () => {
  const state = stateWith({});
  for (let i = 0; i < 3; i++) {
    const decision = decide(state, makeRequest(org), null, noon + i * 7_777);
    if (decision.kind === "granted") apply(state, { kind: "held", hold: decision.hold });
  }
  const counters = state.counters["org"];
  for (const window of windowNames.filter((name) => name !== "concurrency")) {
    const fullMs = counters ? freesAtMs(counters, window, noon + 20_000, Infinity) : 0;
    expect([window, counters && readUse(counters, window, fullMs)]).toEqual([window, { held: 0, settled: 0 }]);
    const use = counters && readUse(counters, window, fullMs - 1);
    expect((use?.held ?? 0) + (use?.settled ?? 0)).toBeGreaterThan(0);
  }
});
