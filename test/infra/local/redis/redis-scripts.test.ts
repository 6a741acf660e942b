import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { openScriptMap } from "#infra/local/redis/redis-scripts.ts";

const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");
const locked = "#!lua flags=allow-key-locking\nreturn 1";

test("the flag that only Upstash knows is taken off, and others stay", () => {
  const scripts = openScriptMap();
  expect(scripts.rewrite(["EVAL", locked, "0"])).toEqual(["EVAL", "\nreturn 1", "0"]);
  expect(scripts.rewrite(["eval", "#!lua flags=no-writes,allow-key-locking\nreturn 1", "0"])).toEqual([
    "eval",
    "#!lua flags=no-writes\nreturn 1",
    "0",
  ]);
  expect(scripts.rewrite(["EVAL", "return 1", "0"])).toEqual(["EVAL", "return 1", "0"]);
});

test("a script that was changed is found by the SHA of what the client sent, in any case of letters", () => {
  const scripts = openScriptMap();
  expect(scripts.rewrite(["EVALSHA", sha1(locked), "0"])).toEqual(["EVALSHA", sha1(locked), "0"]);
  const load = ["SCRIPT", "LOAD", locked];
  expect(scripts.rewrite(load)).toEqual(["SCRIPT", "LOAD", "\nreturn 1"]);
  expect(String(scripts.reply(load, "other"))).toBe(sha1(locked));
  expect(scripts.rewrite(["EVALSHA", sha1(locked).toUpperCase(), "0"])).toEqual(["EVALSHA", sha1("\nreturn 1"), "0"]);
  expect(scripts.rewrite(["SCRIPT", "EXISTS", sha1(locked)])).toEqual(["SCRIPT", "EXISTS", sha1("\nreturn 1")]);
});

test("everything else passes as it is", () => {
  const scripts = openScriptMap();
  expect(scripts.rewrite(["SET", "a", locked])).toEqual(["SET", "a", locked]);
  expect(scripts.rewrite(["SCRIPT", "FLUSH"])).toEqual(["SCRIPT", "FLUSH"]);
  expect(scripts.reply(["GET", "a"], "b")).toBe("b");
});
