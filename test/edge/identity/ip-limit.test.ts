import { describe, expect, test } from "vitest";
import { readCidr } from "#edge/agreements/ip.ts";
import { buildErrorBody, buildErrorHeaders, Refusal, refusals } from "#edge/errors.ts";
import { readCallerIp, countCaller, countFailure, countForgery, type IpLimits } from "#edge/identity/ip-limit.ts";
import type { IpLimit, IpDecision, LocalIpLimit } from "#edge/identity/port.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";
import { visitOf } from "#test/support/fakes/visit.ts";

const header = "cf-connecting-ip";
const v4 = (last: string) => `00000000000000000000ffffcb0071${last}`;
const yes: IpDecision = { isAllowed: true };
const no: IpDecision = { isAllowed: false, retryAfterMs: 734, window: { limit: 50, resetMs: 1_734 } };

/** An isolate's count that always says the same, and remembers what it was asked. */
function near(verdict: IpDecision) {
  const asked: string[] = [];
  const limit: LocalIpLimit = {
    take: (network) => {
      asked.push(`take ${network}`);
      return verdict;
    },
    penalize: (network) => void asked.push(`penalize ${network}`),
  };
  return { ...limit, asked };
}

/** A shared count that always says the same, or is out of reach. */
function far(verdict: IpDecision | Error) {
  const asked: string[] = [];
  const answer = async (what: string) => {
    asked.push(what);
    if (verdict instanceof Error) throw verdict;
    return verdict;
  };
  const limit: IpLimit = {
    take: (network) => answer(`take ${network}`),
    penalize: async (network) => void (await answer(`penalize ${network}`)),
  };
  return { ...limit, asked };
}
const limitsOf = (near: LocalIpLimit, far: IpLimit | null, exempt: string[] = []): IpLimits => ({
  local: near,
  shared: far,
  exempt: exempt.map((text) => readCidr(text) ?? expect.fail(text)),
  header,
});
const from = (ip: string | null) =>
  visitOf(new Request("http://edge/", { headers: ip === null ? {} : { "cf-connecting-ip": ip } }));

describe("a caller is counted", () => {
  test("by this isolate, then by the count that isolates share", async () => {
    const [here, shared] = [near(yes), far(yes)];
    await countCaller(from("203.0.113.7"), limitsOf(here, shared));
    await countCaller(from("2001:db8:1:2::7"), limitsOf(here, null));
    expect(here.asked).toEqual([`take ${v4("07")}`, "take 20010db8000100"]);
    expect(shared.asked).toEqual([`take ${v4("07")}`]);
  });

  test("and not counted elsewhere when this isolate refuses, at once: a flood costs no I/O", () => {
    const shared = far(yes);
    expect(() => void countCaller(from("203.0.113.7"), limitsOf(near(no), shared))).toThrow(Refusal);
    expect(shared.asked).toEqual([]);
  });

  test("but not without an address, nor at one that the operator lists, nor when there is no limit", async () => {
    const [here, shared] = [near(no), far(no)];
    for (const ip of [null, "", "nonsense", "10.1.2.3", "2001:db8:ffff::1"])
      await countCaller(from(ip), limitsOf(here, shared, ["10.0.0.0/8", "2001:db8:ffff::/48"]));
    await countCaller(from("203.0.113.7"), null);
    expect([...here.asked, ...shared.asked]).toEqual([]);
    await refusedBy(() => countCaller(from("11.0.0.0"), limitsOf(here, null, ["10.0.0.0/8"])));
  });
});

describe("who is over the limit", () => {
  test("gets 429 with what the window says, in OpenAI's words", async () => {
    const refusal = await refusedBy(() => countCaller(from("203.0.113.7"), limitsOf(near(no), null)));
    expect(buildErrorBody(refusal).error).toEqual({
      message: "Rate limit reached: requests from your IP address (the limit is 50 per second). Try again in 734ms.",
      type: "rate_limit_error",
      param: null,
      code: "rate_limit_exceeded",
    });
    expect(refusal.status).toBe(429);
    expect(buildErrorHeaders(refusal)).toMatchObject({
      "retry-after": "1",
      "retry-after-ms": "734",
      "x-ratelimit-limit-requests": "50",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1.734s",
    });
    expect(JSON.stringify([buildErrorBody(refusal), buildErrorHeaders(refusal), refusal.details.log])).not.toMatch(
      /203|cb00/,
    );
  });

  test("is sent no numbers that nobody knows", async () => {
    const refusal = await refusedBy(() =>
      countCaller(
        from("203.0.113.7"),
        limitsOf(near(yes), far({ isAllowed: false, retryAfterMs: 7_300, window: null })),
      ),
    );
    expect(buildErrorBody(refusal).error.message).toBe(
      "Rate limit reached: requests from your IP address. Try again in 7.3s.",
    );
    expect(buildErrorHeaders(refusal)["retry-after"]).toBe("8");
    expect(Object.keys(buildErrorHeaders(refusal)).filter((name) => name.startsWith("x-ratelimit"))).toEqual([]);
  });

  test("is refused also when the count is awaited later", async () => {
    const unhandled: unknown[] = [];
    const listen = (cause: unknown) => void unhandled.push(cause);
    process.on("unhandledRejection", listen);
    const counted = countCaller(from("203.0.113.7"), limitsOf(near(yes), far(no)));
    await new Promise((done) => setTimeout(done, 10));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
    expect((await refusedBy(() => counted)).code).toBe("rate_limit_exceeded");
  });
});

describe("a shared count that is out of reach", () => {
  test("refuses nobody: this isolate's own count decides, and the log says so without the address", async () => {
    const visit = from("203.0.113.7");
    await countCaller(visit, limitsOf(near(yes), far(new TypeError("203.0.113.7"))));
    expect(visit.logged).toEqual([{ event: "ip_limit_unreachable", facts: { cause: "TypeError" } }]);
    await refusedBy(() => countCaller(from("203.0.113.7"), limitsOf(near(no), far(new TypeError("away")))));
  });

  test("does not spoil an answer when it cannot count a failure", async () => {
    const here = near(yes);
    countFailure(from("203.0.113.7"), limitsOf(here, far(new TypeError("away"))), new Refusal("invalid_api_key"));
    expect(here.asked).toEqual([`penalize ${v4("07")}`]);
  });
});

describe("a failed authentication is counted once more", () => {
  const countedAfter = (failure: unknown, ip: string | null = "203.0.113.7") => {
    const [here, shared] = [near(yes), far(yes)];
    countFailure(from(ip), limitsOf(here, shared, ["10.0.0.0/8"]), failure);
    return [...here.asked, ...shared.asked];
  };

  test("here and in the shared count", () => {
    expect(countedAfter(new Refusal("invalid_api_key"))).toEqual([`penalize ${v4("07")}`, `penalize ${v4("07")}`]);
  });

  test("and no other failure is, and nobody who is not counted", () => {
    const others = Object.keys(refusals).filter((code) => code !== "invalid_api_key");
    for (const code of others) expect(countedAfter(new Refusal(code as keyof typeof refusals)), code).toEqual([]);
    for (const failure of [undefined, null, new Error("invalid_api_key"), { code: "invalid_api_key" }])
      expect(countedAfter(failure)).toEqual([]);
    for (const ip of [null, "nonsense", "10.1.2.3"])
      expect(countedAfter(new Refusal("invalid_api_key"), ip)).toEqual([]);
    expect(() => countFailure(from("203.0.113.7"), null, new Refusal("invalid_api_key"))).not.toThrow();
  });
});

test("the address is what the header says that the setting names, and nothing that a caller could say", () => {
  const sent = new Headers({ "cf-connecting-ip": "203.0.113.7", "x-forwarded-for": "198.51.100.1" });
  expect(readCallerIp(sent, header)).toBe(v4("07"));
  expect(readCallerIp(new Headers({ "x-real-ip": "203.0.113.7" }), "x-real-ip")).toBe(v4("07"));
  for (const name of ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip"])
    expect(readCallerIp(new Headers({ [name]: "203.0.113.7" }), header), name).toBeNull();
});

test("without the setting no header is believed: nobody is counted", async () => {
  expect(readCallerIp(new Headers({ "cf-connecting-ip": "203.0.113.7" }), null)).toBeNull();
  const here = near(no);
  await countCaller(from("203.0.113.7"), { ...limitsOf(here, null), header: null });
  expect(here.asked).toEqual([]);
});

describe("a stranger where calls are not counted", () => {
  const failure = new Refusal("invalid_api_key");

  test("counts twice for a failed signature, as a guesser does, and hears 429 when over the limit", async () => {
    const here = near(yes);
    await countForgery(from("203.0.113.7"), limitsOf(here, null), failure);
    expect(here.asked).toEqual([`take ${v4("07")}`, `penalize ${v4("07")}`]);
    const refused = await refusedBy(() => countForgery(from("203.0.113.7"), limitsOf(near(no), null), failure));
    expect(refused.code).toBe("rate_limit_exceeded");
  });

  test("who fails at anything else, or at nothing, is not counted: a node calls as often as it must", async () => {
    const here = near(no);
    for (const other of [undefined, new Refusal("invalid_value"), new Refusal("quota_unavailable")])
      await countForgery(from("203.0.113.7"), limitsOf(here, null), other);
    expect(here.asked).toEqual([]);
  });
});
