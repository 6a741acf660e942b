import { expect, test } from "vitest";
import { readOwnOrigin, refuseCrossOrigin } from "#edge/control/http/browser-writes.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";

const ours = "https://api.example.test";
const json = "application/json";
const write = (method: string, headers: Record<string, string>) =>
  new Request(`${ours}/control/orgs`, { method, headers, ...(method !== "GET" && { body: "{}" }) });

test("a write from our own page passes, and a read from anywhere", () => {
  for (const type of [json, "application/json; charset=utf-8", "Application/JSON"])
    expect(() => refuseCrossOrigin(write("POST", { origin: ours, "content-type": type }), ours)).not.toThrow();
  expect(() => refuseCrossOrigin(write("GET", { origin: "https://evil.example.test" }), ours)).not.toThrow();
});

test("any other write is refused, whatever of the two it lacks", async () => {
  const wrong: Record<string, string>[] = [
    { "content-type": json },
    { origin: "null", "content-type": json },
    { origin: "http://api.example.test", "content-type": json },
    { origin: "https://api.example.test:8443", "content-type": json },
    { origin: "https://api.example.test.evil.example.test", "content-type": json },
    { origin: `${ours}/`, "content-type": json },
    { origin: ours, "content-type": "text/plain" },
    { origin: ours, "content-type": "text/plain; application/json" },
    { origin: ours, "content-type": "application/jsonp" },
    { origin: ours, "content-type": "multipart/form-data" },
    { origin: ours, "content-type": "" },
    { referer: `${ours}/portal/`, "content-type": json },
  ];
  for (const method of ["POST", "PUT", "PATCH", "DELETE"])
    for (const headers of wrong) {
      const refusal = await refusedBy(() => refuseCrossOrigin(write(method, headers), ours));
      expect([method, headers, refusal.code]).toEqual([method, headers, "cross_origin"]);
    }
});

test("our origin is what the operator has set, or else where the request came", () => {
  const request = new Request("http://127.0.0.1:8787/auth/codes?x=1");
  expect(readOwnOrigin(request, null)).toBe("http://127.0.0.1:8787");
  expect(readOwnOrigin(request, "https://api.example.test/portal/")).toBe(ours);
});
