import { expect, test } from "vitest";
import { dohResolver } from "#edge/adapters/web/doh-resolver.ts";
import { OutOfReach } from "#edge/errors.ts";

function open(answer: (question: URL) => object | Response) {
  const fetchJson = (async (url: string) => {
    const given = answer(new URL(url));
    return given instanceof Response ? given : Response.json(given);
  }) as typeof fetch;
  return dohResolver({ url: "https://dns.example.test/query", waitMsMax: 1_000, fetch: fetchJson });
}

test("texts are read as servers write them: in quotes, in several parts, or bare", async () => {
  const texts = ['"plain"', '"first " "second"', String.raw`"with \"quotes\""`, "bare"];
  const asked: string[] = [];
  const resolver = open((question) => {
    asked.push(`${question.searchParams.get("type")} ${question.searchParams.get("name")}`);
    // An alias stands before what it leads to.
    const alias = { type: 5, data: "other.example.test" };
    return { Status: 0, Answer: [alias, ...texts.map((data) => ({ type: 16, data }))] };
  });
  expect(await resolver.readTexts("_penstock.example.test")).toEqual([
    "plain",
    "first second",
    'with "quotes"',
    "bare",
  ]);
  expect(asked).toEqual(["TXT _penstock.example.test"]);
});

test("both kinds of addresses are asked for; a name that is not there has none", async () => {
  const resolver = open(({ searchParams }) =>
    searchParams.get("type") === "A"
      ? { Status: 0, Answer: [{ type: 1, data: "203.0.113.1" }] }
      : { Status: 0, Answer: [{ type: 28, data: "2001:db8::1" }] },
  );
  expect(await resolver.resolve("hooks.example.test")).toEqual(["203.0.113.1", "2001:db8::1"]);
  const none = open(() => ({ Status: 3 }));
  expect([await none.resolve("nowhere.example.test"), await none.readTexts("nowhere.example.test")]).toEqual([[], []]);
});

test("a server that fails, or says what is no answer, has not said that there is nothing", async () => {
  const broken = [{ Status: 2 }, {}, { Status: 0, Answer: [{ type: "A" }] }, new Response("no", { status: 500 })];
  for (const given of broken) {
    const resolver = open(() => (given instanceof Response ? given.clone() : given));
    await expect(resolver.readTexts("example.test")).rejects.toBeInstanceOf(OutOfReach);
    await expect(resolver.resolve("example.test")).rejects.toBeInstanceOf(OutOfReach);
  }
});
