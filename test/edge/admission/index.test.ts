import { afterEach, describe, expect, test, vi } from "vitest";
import { explainDenial } from "#edge/admission/denial.ts";
import { admit, onceHeld } from "#edge/admission/index.ts";
import type { Denial, Grant, HoldRequest, Ledger } from "#edge/ledger/port.ts";
import { buildErrorBody, buildErrorHeaders, OutOfReach, type Refusal } from "#edge/errors.ts";
import type { Call } from "#edge/protocol/openai/call.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";
import { visit, credential, terms, grant, quota, scriptLedger, makeCall, never } from "./world.ts";

describe("admission", () => {
  test("asks once, for the safe bound, and hands the grant on", async () => {
    const { ledger, asks: requests } = scriptLedger(grant);
    const call = await makeCall({
      mayClamp: true,
      deadlineMs: terms.nowMs + 1_000,
      idempotency: { key: "k", body: "b" },
    });
    expect(await admit(visit, ledger, call, { ...terms, countPrompt: never })).toEqual({
      ...grant,
      boundFactor: 1,
    });
    const { nowMs: _, credential: __, graceMs: ___, boundFactor: ____, ...ours } = terms;
    expect(requests).toEqual([
      {
        ...credential,
        ...ours,
        endpoint: "chat.completions",
        model: call.model.id,
        promptTokens: 200,
        completionTokens: 10,
        choices: 2,
        mayClamp: true,
        ttlMs: 1_000 + terms.graceMs,
        idempotency: { key: "k", body: "b" },
        waitMs: 250,
        waitMsMax: 1_005,
      },
    ]);
  });

  test.each([
    ["as long as it may", { waitMs: 700, deadlineMs: startedAtMs + 60_000 }, [700, 30_000]],
    ["up to its deadline", { waitMs: 700, deadlineMs: startedAtMs + 300 }, [300, 300]],
    ["for leases alone", { waitMs: 0, deadlineMs: startedAtMs + 2_000 }, [0, 2_000]],
    ["not at all after its deadline", { waitMs: 700, deadlineMs: startedAtMs - 1 }, [0, 0]],
  ])("has the ledger keep a call waiting %s", async (_, over, expected) => {
    const { ledger, asks } = scriptLedger(grant);
    await admit(visit, ledger, await makeCall(over), { ...terms, countPrompt: never });
    expect(asks.map(({ waitMs, waitMsMax }) => [waitMs, waitMsMax])).toEqual([expected]);
  });

  test("ends the wait of a caller who leaves, and of nobody else", async () => {
    const cancelled: [string, string][] = [];
    const leaving = (hasLeft: boolean) => {
      const controller = new AbortController();
      const here = visitOf(new Request("http://edge/", { signal: controller.signal }));
      const { promise, resolve } = Promise.withResolvers<Grant | Denial>();
      const asks: HoldRequest[] = [];
      const ledger: Ledger = {
        ...scriptLedger().ledger,
        admit: (request) => {
          asks.push(request);
          return promise;
        },
        cancelWait: async (org, hold) => {
          cancelled.push([org, hold]);
          resolve(quota(null));
        },
      };
      if (hasLeft) controller.abort();
      return { controller, here, ledger, asks, resolve };
    };
    const call = await makeCall();
    const { controller, here, ledger } = leaving(false);
    const waiting = expectRefusal(
      () => admit(here, ledger, call, { ...terms, countPrompt: never }),
      "insufficient_quota",
    );
    controller.abort();
    await waiting;
    expect(cancelled).toEqual([[credential.org, terms.hold]]);
    const later = leaving(false);
    later.resolve(grant);
    await admit(later.here, later.ledger, call, { ...terms, countPrompt: never });
    later.controller.abort();
    const gone = leaving(true);
    gone.resolve(grant);
    await admit(gone.here, gone.ledger, call, { ...terms, countPrompt: never });
    expect([cancelled.length, gone.asks.map(({ waitMs, waitMsMax }) => [waitMs, waitMsMax])]).toEqual([1, [[0, 0]]]);
  });

  test("holds an org's bounds by their factor, a chat's up to the context, and says which factor it was", async () => {
    const held = async (call: Call, ...answers: (Grant | Denial)[]) => {
      const { ledger, asks } = scriptLedger(...answers);
      const admission = await admit(visit, ledger, call, {
        ...terms,
        boundFactor: 3,
        countPrompt: () => Promise.resolve(70),
      });
      return [asks.map(({ promptTokens }) => promptTokens), admission.boundFactor];
    };
    const call = await makeCall();
    const { contextTokensMax } = call.model;
    expect(await held(call, grant)).toEqual([[600], 3]);
    // A prompt that was counted exactly needs no factor.
    expect(await held(call, quota(100), grant)).toEqual([[600, 70], 1]);
    expect(await held({ ...call, promptTokensMax: contextTokensMax - 1 }, grant)).toEqual([[contextTokensMax], 3]);
    expect(await held({ ...call, promptTokensMax: contextTokensMax + 5 }, grant)).toEqual([[contextTokensMax + 5], 3]);
    const inputs: Call = { ...call, path: "/v1/embeddings", promptTokensMax: contextTokensMax };
    expect(await held(inputs, grant)).toEqual([[3 * contextTokensMax], 3]);
  });

  test("holds for the grace alone when the deadline has passed already", async () => {
    const { ledger, asks: requests } = scriptLedger(grant);
    await admit(visit, ledger, await makeCall({ deadlineMs: terms.nowMs - 10_000 }), { ...terms, countPrompt: never });
    expect(requests[0]?.ttlMs).toBe(terms.graceMs);
  });

  for (const failure of [new Error("CANARY"), new TypeError("CANARY")]) {
    test(`a ledger that throws ${failure.name} is 503 quota_unavailable, never a grant`, async () => {
      const refusal = await expectRefusal(
        async () => admit(visit, scriptLedger(failure).ledger, await makeCall(), { ...terms, countPrompt: never }),
        "quota_unavailable",
      );
      expect(buildErrorHeaders(refusal)).toMatchObject({ "retry-after": "1", "retry-after-ms": "1000" });
      expect([refusal.message, refusal.cause]).toEqual(["ledger out of reach", failure]);
      expect(JSON.stringify(buildErrorBody(refusal))).not.toContain("CANARY");
    });
  }

  test("and so is one that throws at the second question", async () => {
    const { ledger } = scriptLedger(quota(80), new Error("gone"));
    await expectRefusal(
      async () => admit(visit, ledger, await makeCall(), { ...terms, countPrompt: async () => 60 }),
      "quota_unavailable",
    );
  });
});

describe("what is held for nothing", () => {
  afterEach(() => vi.useRealTimers());
  const org = credential.org;

  /** A ledger that takes a release only after so many failures; what it was told, and when. */
  function releasing(failures: number) {
    const told: [string, string, boolean | undefined][] = [];
    const release: Ledger["release"] = async (org, hold, mayRun) => {
      told.push([org, hold, mayRun]);
      if (told.length <= failures) throw new Error("out of reach");
      return { hold, result: "released" };
    };
    return { told, ledger: { ...scriptLedger().ledger, release } };
  }

  test("is given back at once, by one release", async () => {
    const { told, ledger } = releasing(0);
    await onceHeld.release(visitOf(), ledger, { org, hold: terms.hold, mayRun: true });
    expect(told).toEqual([[org, terms.hold, true]]);
  });

  test("is given back behind the answer when the ledger is out of reach: the caller does not wait for it", async () => {
    vi.useFakeTimers();
    const { told, ledger } = releasing(2);
    const visit = visitOf();
    await onceHeld.release(visit, ledger, { org, hold: terms.hold, mayRun: false });
    expect(told).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told).toEqual(Array.from({ length: 3 }, () => [org, terms.hold, false]));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveLength(3);
    expect(visit.logged.map(({ event }) => event)).toEqual(["release_failed"]);
  });

  test("is left to its deadline when the ledger stays out of reach, and that is logged", async () => {
    vi.useFakeTimers();
    const { told, ledger } = releasing(Infinity);
    const visit = visitOf();
    await onceHeld.release(visit, ledger, { org, hold: terms.hold, mayRun: false });
    await vi.advanceTimersByTimeAsync(28_000);
    expect(told).toHaveLength(4);
    expect(visit.logged.at(-1)).toEqual({ event: "release_given_up", facts: { hold: terms.hold } });
  });

  test("also when it was the admission that was not answered: its hold may stand", async () => {
    const { told, ledger } = releasing(0);
    const call = await makeCall();
    vi.useFakeTimers();
    const admitting = { ...ledger, admit: async () => Promise.reject(new Error("no answer")) };
    await expectRefusal(
      async () => admit(visitOf(), admitting, call, { ...terms, countPrompt: never }),
      "quota_unavailable",
    );
    // Not at once: it has just failed.
    await vi.advanceTimersByTimeAsync(999);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([[org, terms.hold, false]]);
  });

  test("not when no request reached the ledger: nothing can be held", async () => {
    const { told, ledger } = releasing(0);
    const call = await makeCall();
    vi.useFakeTimers();
    const rushed = { ...ledger, admit: async () => Promise.reject(new OutOfReach("no place", false)) };
    await expectRefusal(
      async () => admit(visitOf(), rushed, call, { ...terms, countPrompt: never }),
      "quota_unavailable",
    );
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual([]);
  });
});

describe("the exact count", () => {
  test("is asked for when the bound does not fit and the estimate would, and is what is then held", async () => {
    const { ledger, asks: requests } = scriptLedger(quota(70), grant);
    expect(await admit(visit, ledger, await makeCall(), { ...terms, countPrompt: async () => 47 })).toEqual({
      ...grant,
      boundFactor: 1,
    });
    expect(requests.map(({ promptTokens }) => promptTokens)).toEqual([200, 47]);
    expect({ ...requests[1], promptTokens: 0 }).toEqual({ ...requests[0], promptTokens: 0 });
  });

  const unasked: [string, Denial, Partial<Call>][] = [
    ["the estimate does not fit by one token", quota(69), {}],
    ["the window counts no tokens", quota(null), {}],
    [
      "the window counts no tokens and the call seems to need none",
      quota(null),
      { promptTokensGuess: 0, completionTokens: 0 },
    ],
    ["it is the rate of requests", { ...quota(null), reason: "rate", window: "requestsPerMinute" } as Denial, {}],
    ["it is the key", { kind: "denial", reason: "key" }, {}],
    ["nothing is left", quota(0), { mayClamp: true }],
    ["even one token for each choice does not fit", quota(51), { mayClamp: true }],
  ];
  for (const [why, denial, over] of unasked) {
    test(`is not asked for when ${why}`, async () => {
      const { ledger, asks: requests } = scriptLedger(denial);
      const refusal = await expectRefusal(
        async () => admit(visit, ledger, await makeCall(over), { ...terms, countPrompt: never }),
        explainDenial(denial).code,
      );
      expect(buildErrorBody(refusal)).toEqual(buildErrorBody(explainDenial(denial)));
      expect(requests).toHaveLength(1);
    });
  }

  test("is asked for when with a clamp a token for each choice fits", async () => {
    const { ledger, asks: requests } = scriptLedger(quota(52), grant);
    await admit(visit, ledger, await makeCall({ mayClamp: true }), { ...terms, countPrompt: async () => 50 });
    expect(requests).toHaveLength(2);
  });

  test("is never asked for where units are held: what they count as is no estimate", async () => {
    const call = await makeCall();
    const model = { ...call.model, unitTokens: 50 };
    const units = { ...call, model, units: 3, choices: 0, completionTokens: 0 };
    const { ledger, asks: requests } = scriptLedger(quota(149));
    await expectRefusal(
      () => admit(visit, ledger, units, { ...terms, boundFactor: 2, countPrompt: never }),
      explainDenial(quota(149)).code,
    );
    expect(requests.map(({ promptTokens }) => promptTokens)).toEqual([150]);
    const byTokens = scriptLedger(grant);
    await admit(visit, byTokens.ledger, { ...units, model: call.model }, { ...terms, countPrompt: never });
    expect(byTokens.asks.map(({ promptTokens }) => promptTokens)).toEqual([200]);
  });

  for (const count of [null, 200, 201]) {
    test(`of ${count} helps nothing: the first denial stands, the ledger is not asked again`, async () => {
      const { ledger, asks: requests } = scriptLedger(quota(70));
      await expectRefusal(
        async () => admit(visit, ledger, await makeCall(), { ...terms, countPrompt: async () => count }),
        "insufficient_quota",
      );
      expect(requests).toHaveLength(1);
    });
  }

  test("does not buy a third question: the second denial is the answer", async () => {
    const { ledger, asks: requests } = scriptLedger(quota(70), { ...quota(70), limit: 777 } as Denial);
    const refusal = await expectRefusal(
      async () => admit(visit, ledger, await makeCall(), { ...terms, countPrompt: async () => 60 }),
      "insufficient_quota",
    );
    expect(refusal.details.message).toContain("777");
    expect(requests).toHaveLength(2);
  });
});

describe("a minute's window that opens within a second", () => {
  const soon = (retryAfterMs: number): Denial =>
    ({ ...quota(null), reason: "rate", window: "requestsPerMinute", retryAfterMs }) as Denial;
  const begin = async (answers: (Grant | Denial)[], over: Partial<Call> = {}, of = visitOf()) => {
    vi.useFakeTimers();
    const { ledger, asks } = scriptLedger(...answers);
    const call = await makeCall({ deadlineMs: of.nowMs + 60_000, ...over });
    const result = admit(of, ledger, call, { ...terms, countPrompt: never }).catch((refusal: Refusal) => refusal.code);
    return { asks, result };
  };
  afterEach(() => void vi.useRealTimers());

  test("is waited for, and asked once more: whoever waited the minute that they were told is let in", async () => {
    const { asks, result } = await begin([soon(800), grant]);
    await vi.advanceTimersByTimeAsync(799);
    expect(asks).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await result).toMatchObject({ kind: "grant" });
    expect(asks[1]).toEqual(asks[0]);
  });

  test("is not waited for a second time, nor beyond a second, nor past the call's deadline", async () => {
    const again = await begin([soon(800), soon(5)]);
    await vi.advanceTimersByTimeAsync(800);
    expect([await again.result, again.asks.length]).toEqual(["rate_limit_exceeded", 2]);
    const later = await begin([soon(1_001)]);
    expect([await later.result, later.asks.length]).toEqual(["rate_limit_exceeded", 1]);
    const late = await begin([soon(800)], { deadlineMs: startedAtMs + 800 });
    expect([await late.result, late.asks.length]).toEqual(["rate_limit_exceeded", 1]);
  });

  test("is not asked about for whoever has left meanwhile", async () => {
    const leaving = new AbortController();
    const request = new Request("http://edge/", { signal: leaving.signal });
    const { asks, result } = await begin([soon(800)], {}, visitOf(request));
    leaving.abort();
    await vi.advanceTimersByTimeAsync(800);
    expect([await result, asks.length]).toEqual(["rate_limit_exceeded", 1]);
  });
});
