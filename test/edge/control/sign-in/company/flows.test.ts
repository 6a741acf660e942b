import { expect, test } from "vitest";
import { openOidcFlows } from "#edge/control/sign-in/company/flows.ts";

const flow = {
  provider: "sso_0123456789012345678901",
  next: "/portal/keys?of=a.b",
  errorNext: "/portal/sign-in",
  state: "s".repeat(43),
  nonce: "n".repeat(43),
  verifier: "v".repeat(43),
};
const flows = openOidcFlows("FAKE-secret");
const keep = (cookie: string) => new Headers({ cookie: `other=1; ${cookie.split(";")[0]}; last=2` });

test("a flow is kept by a cookie of this host alone, which no script reads, for ten minutes", () => {
  const cookie = flows.write(flow, 1_000);
  expect(cookie.split("; ").slice(1).toSorted()).toEqual([
    "HttpOnly",
    "Max-Age=600",
    "Path=/",
    "SameSite=Lax",
    "Secure",
  ]);
  expect(cookie).toMatch(/^__Host-/);
  expect(flows.read(keep(cookie), 600_999)).toEqual({ ...flow, endsAtMs: 601_000 });
  expect(flows.read(keep(cookie), 601_000)).toBe(null);
  expect(flows.read(keep(flows.end()), 1_000)).toBe(null);
});

test("what we did not sign, or have signed under another secret, is nothing", () => {
  const cookie = flows.write(flow, 1_000);
  const [name = "", value = ""] = cookie.split(";")[0]?.split("=") ?? [];
  const other = openOidcFlows("FAKE-other").write(flow, 1_000);
  const forged = [`${name}=x${value}`, `${name}=${value}x`, `${name}=`, `${name}=.`, `x${name}=${value}`, other];
  for (const one of forged) expect([one, flows.read(keep(one), 1_000)]).toEqual([one, null]);
  expect(flows.read(new Headers(), 1_000)).toBe(null);
});
