import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "../world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const path = () => `/control/orgs/${world.a.org}`;
const change = (at: string, ifMatch: string | null, body: object = { name: "x" }) =>
  world.ask("PATCH", at, { body, headers: ifMatch === null ? {} : { "if-match": ifMatch } });

it("tells a thing's version, and changes that version only, for orgs and keys alike", async () => {
  for (const at of [path(), `${path()}/keys/${world.a.keyId}`]) {
    const etag = (await world.ask("GET", at)).headers.get("etag") ?? "";
    expect(etag).toBe('"1"');
    const [first, second] = await Promise.all([change(at, etag, { name: "one" }), change(at, etag, { name: "two" })]);
    expect([first.status, second.status].toSorted()).toEqual([200, 412]);
    const late = first.status === 412 ? first : second;
    expect(late.body.error.code).toBe("precondition_failed");
    const now = (first.status === 200 ? first : second).headers.get("etag");
    expect(now).toBe('"2"');
    expect((await change(at, now)).status).toBe(200);
    expect((await change(at, "*")).status).toBe(200);
    expect((await change(at, null)).status).toBe(200);
  }
});

it("refuses what is no version of ours", async () => {
  for (const ifMatch of ["3", 'W/"3"', '"x"', '"1", "2"', '""']) {
    const answer = await change(path(), ifMatch);
    expect([ifMatch, answer.status, answer.body.error?.param]).toEqual([ifMatch, 400, "If-Match"]);
  }
});
