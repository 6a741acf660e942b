import { expect, test } from "vitest";
import { MisconfiguredError } from "#edge/env.ts";
import { Refusal } from "#edge/errors.ts";
import { asRefusal, refuseCall, refuseVisit } from "#edge/doors/refuse.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";

test("what nobody foresaw is told as ours, and its words go nowhere", () => {
  const known = new Refusal("not_found");
  expect(asRefusal(known)).toBe(known);
  expect(asRefusal(new MisconfiguredError(["MODELS"])).code).toBe("misconfigured");
  for (const failure of [new TypeError("a prompt"), "a prompt", null]) {
    const { code, details } = asRefusal(failure);
    expect([code, JSON.stringify(details).includes("a prompt")]).toEqual(["internal", false]);
  }
});

test("a refusal has the table's status, its code and the visit's headers, whoever asks", async () => {
  const visit = visitOf(posted({}));
  const refusal = new Refusal("rate_limit_exceeded", { retryAfterMs: 2_000 });
  for (const answer of [
    await refuseCall(visit, refusal, "chat.completions"),
    await refuseVisit(visit, refusal, "/v1/models"),
  ]) {
    expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("x-request-id")]).toEqual([
      429,
      "2",
      visit.id,
    ]);
    expect(await answer.json()).toMatchObject({ error: { code: "rate_limit_exceeded", param: null } });
  }
});
