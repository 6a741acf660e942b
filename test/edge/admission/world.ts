import type { CountPrompt } from "#edge/admission/index.ts";
import type { HoldRequest, Denial, Grant, Ledger } from "#edge/ledger/port.ts";
import type { Credential } from "#edge/agreements/tokens/credential.ts";
import { readCall, type Call } from "#edge/protocol/openai/call.ts";
import { testModels } from "#test/support/fakes/models.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

export const visit = visitOf();
export const credential: Credential = {
  org: "org_0123456789",
  key: "key_0123456789abcdef",
  digests: [{ kid: "p1", digest: "d".repeat(64) }],
  ip: null,
};
export const terms = {
  credential,
  hold: "hold_0123456789012345678901",
  tier: "shared",
  price: { promptMicrosPerMTok: 1, completionMicrosPerMTok: 2 },
  nowMs: startedAtMs + 5,
  graceMs: 30_000,
  boundFactor: 1,
} as const;
export const rates = {
  requests: { limit: 60, remaining: 0, resetMs: 59_999 },
  tokens: { limit: 1_000, remaining: 12, resetMs: 360_000 },
};
export const grant: Grant = {
  kind: "grant",
  hold: terms.hold,
  tokensHeld: 100,
  completionTokens: 10,
  expiresAtMs: 0,
  rates,
};
export const quota = (tokensRemaining: number | null): Denial => ({
  kind: "denial",
  reason: "quota",
  window: "tokensPerDay",
  of: "org",
  limit: 1_000,
  retryAfterMs: 3_600_000,
  resetAtMs: Date.UTC(2026, 10, 21),
  tokensRemaining,
  rates,
});

/** A ledger that answers from a script, and remembers what it was asked. */
export function scriptLedger(...answers: (Grant | Denial | Error)[]) {
  const requests: HoldRequest[] = [];
  const away = () => Promise.reject(new Error("not in the script"));
  const admitRequest = async (request: HoldRequest) => {
    requests.push(request);
    const answer = answers.shift();
    if (!answer || answer instanceof Error) throw answer ?? new Error("asked too often");
    return answer;
  };
  const ledger: Ledger = {
    admit: admitRequest,
    cancelWait: away,
    introspect: away,
    settle: away,
    settleAll: away,
    release: away,
    lease: away,
    closeLease: away,
    publish: away,
    inspect: away,
  };
  return { ledger, asks: requests };
}

/** A call with 200 tokens of bound, 50 by the guess, and n × 10 to make. */
export async function makeCall(over: Partial<Call> = {}): Promise<Call> {
  const call = await readCall(
    visitOf(posted({ model: "chat", messages: [{ role: "user", content: "hi" }] })),
    "chat.completions",
    testModels,
  );
  return { ...call, promptTokensMax: 200, promptTokensGuess: 50, completionTokens: 10, choices: 2, ...over };
}
export const never: CountPrompt = () => Promise.reject(new Error("nobody should count"));
