import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ignoredMax } from "#edge/limits.ts";
import {
  accepted,
  cleanName,
  describeMembers,
  forwarded,
  IgnoredMembers,
  isUnsent,
  orEmpty,
  ours,
  pickMembers,
  readShape,
  refuseMember,
  refused,
  required,
} from "#edge/protocol/openai/members/member.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const table = {
  model: required(z.string(), "Which."),
  seed: forwarded(z.int(), "Chance."),
  stop: orEmpty(forwarded(z.string(), "End.")),
  stream: ours(z.boolean(), "How."),
  note: accepted("Kept by nobody."),
  best_of: refused("use 'n'", (value, { n }) => isUnsent(value) || value === n),
} as const;

describe("what becomes of a member", () => {
  const pick = (object: Record<string, unknown>, ignored = new IgnoredMembers()) => pickMembers(object, table, ignored);

  test("what is known and says something goes on; an object with nothing to leave out is the very same", () => {
    const whole = { model: "", seed: 1, stop: "x", stream: false };
    expect(pick(whole)).toBe(whole);
    expect(pick({ ...whole, seed: null, stop: "", note: [1] })).toEqual({ model: "", stream: false });
    expect(pick({ model: "m", seed: "" })).toEqual({ model: "m", seed: "" });
  });

  test("what would change the answer is refused by name, unless it asks for nothing", async () => {
    for (const nothing of [null, undefined, false, "", [], {}, 1]) expect(pick({ n: 1, best_of: nothing })).toEqual({});
    const refusal = await expectRefusal(() => pick({ best_of: 3 }), "unsupported_parameter", "best_of");
    expect(refusal.details.message).toBe("'best_of' is not supported: use 'n'.");
  });

  test("what nobody knows is left out and named, cleaned, once, and no more than fits a header", () => {
    const ignored = new IgnoredMembers();
    const names = [...Array.from({ length: 40 }, (_, at) => `x${at}`), "__proto__", "toString"];
    expect(pick(Object.fromEntries(names.map((name) => [name, 1])), ignored)).toEqual({});
    pick({ x0: 1, "a b": 1 }, ignored);
    expect(ignored.headers["x-penstock-ignored"]?.split(",")).toHaveLength(ignoredMax);
    const one = new IgnoredMembers();
    pick({ "a,b\r\nx: 1": 1, nothing: null }, one);
    expect(one.headers).toEqual({ "x-penstock-ignored": "a?b??x??1" });
    const both = new IgnoredMembers();
    both.add(null, "x");
    both.addAll(one);
    expect(both.headers["x-penstock-ignored"]).toBe(
      `x,${one.headers["x-penstock-ignored"]}`.split(",").slice(0, 16).join(),
    );
    expect(new IgnoredMembers().headers).toEqual({});
  });

  test("names of two readers of one body stand together, no more than may be listed", () => {
    const [one, other] = [new IgnoredMembers(), new IgnoredMembers()];
    one.add(null, "a");
    other.add("input[]", "b");
    one.addAll(other);
    expect(one.headers).toEqual({ "x-penstock-ignored": "a,input[].b" });
    for (let at = 0; at < ignoredMax; at++) other.add(null, `c${at}`);
    one.addAll(other);
    expect(one.headers["x-penstock-ignored"]?.split(",")).toHaveLength(ignoredMax);
  });

  test("older names for a form of the answer are refused whatever they are called", async () => {
    const refusal = await expectRefusal(() => pick({ "guided_<b>": 1 }), "unsupported_parameter", "guided_?b?");
    expect(refusal.details.message).not.toContain("<b>");
    expect(pick({ guided_json: null, guided_regex: "" })).toEqual({});
  });

  test("a member called __proto__ changes no prototype", () => {
    const clean = pick(JSON.parse('{"__proto__":{"seed":1},"model":"m","x":1}'));
    expect(Object.getPrototypeOf(clean)).toBe(Object.prototype);
    expect(clean).toEqual({ model: "m" });
  });
});

test("the shape has what is read, and the document what may be sent, each with its sentence", () => {
  expect(Object.keys(readShape(table))).toEqual(["model", "seed", "stop", "stream"]);
  const { properties, required: needed } = z.toJSONSchema(describeMembers(table), { io: "input" });
  expect(Object.keys(properties ?? {})).toEqual(["model", "seed", "stop", "stream", "note"]);
  expect(needed).toEqual(["model"]);
  expect(JSON.stringify(properties)).toContain("Kept by nobody.");
});

test("names are repeated as no more than names", () => {
  expect(cleanName("ключ<x>-_1")).toBe("?????x?-_1");
  expect(cleanName("k".repeat(99))).toHaveLength(64);
  expect(refuseMember("a.b", "use c").details.message).toBe("'a.b' is not supported: use c.");
});
