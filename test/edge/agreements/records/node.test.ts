import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Heartbeat, isLater, LoadReport, NodeRecord, readLoad, writeLoad } from "#edge/agreements/records/node.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";

describe("the load header", () => {
  test("is read back as it was written, to a thousandth of the pool", () => {
    const count = fc.nat({ max: 999_999_999 });
    fc.assert(
      fc.property(
        count,
        count,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat({ max: 999_999_999_999 }),
        (running, waiting, kvUsed, heldTokens) => {
          const read = readLoad(writeLoad({ running, waiting, kvUsed, heldTokens }));
          expect(read).toMatchObject({ running, waiting, heldTokens });
          expect(Math.abs((read?.kvUsed ?? 9) - kvUsed)).toBeLessThanOrEqual(0.000_5);
        },
      ),
    );
  });

  test("reads as the design writes it", () => {
    expect(readLoad("run=3 wait=0 kv=0.41 held=18230")).toEqual({
      running: 3,
      waiting: 0,
      kvUsed: 0.41,
      heldTokens: 18_230,
    });
    expect(readLoad("run=0 wait=0 kv=1 held=0")).toEqual({ running: 0, waiting: 0, kvUsed: 1, heldTokens: 0 });
  });

  const hostile: (string | null)[] = [
    null,
    "",
    "run=3",
    "run=3 wait=0 kv=0.41",
    "run=3 wait=0 kv=0.41 held=18230 ",
    " run=3 wait=0 kv=0.41 held=18230",
    "run=3  wait=0 kv=0.41 held=18230",
    "run=3 wait=0 kv=0.41 held=18230\n",
    "wait=0 run=3 kv=0.41 held=18230",
    "run=-3 wait=0 kv=0.41 held=18230",
    "run=1e3 wait=0 kv=0.41 held=18230",
    "run=3.5 wait=0 kv=0.41 held=18230",
    "run=3 wait=0 kv=1.01 held=18230",
    "run=3 wait=0 kv=-0.1 held=18230",
    "run=3 wait=0 kv=NaN held=18230",
    "run=3 wait=0 kv=Infinity held=18230",
    "run=3 wait=0 kv=1e-1 held=18230",
    "run=3 wait=0 kv=.5 held=18230",
    "run=3 wait=0 kv=0. held=18230",
    "run=3 wait=0 kv=0,41 held=18230",
    "run=٣ wait=0 kv=0.41 held=18230",
    "run=3 wait=0 kv=0.41 held=9007199254740993",
    "run=9999999999 wait=0 kv=0.41 held=1",
    "run=3 wait=0 kv=0.41 held=18230, run=0 wait=0 kv=0 held=0",
    `run=${"3".repeat(100_000)} wait=0 kv=0.41 held=18230`,
  ];
  for (const text of hostile) {
    test(`${JSON.stringify(text)?.slice(0, 60)} is no report`, () => expect(readLoad(text)).toBeNull());
  }

  test("whatever is read, from any text at all, is a report", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^run=\d{0,11} wait=\d{0,11} kv=\d?\.?\d{0,11} held=\d{0,14}$/)),
        (text) => {
          const read = readLoad(text);
          if (read) expect(LoadReport.safeParse(read).success).toBe(true);
        },
      ),
    );
  });
});

describe("a heartbeat", () => {
  const good: Heartbeat = {
    node: "node_a",
    bootId: "b1",
    bootedAtMs: 1,
    sequence: 0,
    state: "ready",
    models: ["m"],
    engine: { kind: "vllm", version: "0.32", fingerprint: "f" },
    kvPoolTokens: 96_800,
    load: { running: 0, waiting: 0, kvUsed: 0, heldTokens: 0 },
  };

  test("is taken whole", () => expect(Heartbeat.parse(good)).toEqual(good));

  const bad: [string, Record<string, unknown>][] = [
    ["an unknown state", { state: "fine" }],
    ["a negative sequence", { sequence: -1 }],
    ["a sequence in words", { sequence: "1e3" }],
    ["a sequence past 2^53", { sequence: 2 ** 53 }],
    ["a pool of NaN", { kvPoolTokens: Number.NaN }],
    ["no boot id", { bootId: "" }],
    ["a boot id too long", { bootId: "x".repeat(65) }],
    ["a member more", { prompt: "secret" }],
    ["another's form of id", { node: "node_A/../b" }],
    ["more than the pool in use", { load: { ...good.load, kvUsed: 1.1 } }],
  ];
  for (const [name, over] of bad)
    test(`with ${name} is refused`, () => expect(Heartbeat.safeParse({ ...good, ...over }).success).toBe(false));
});

describe("of two heartbeats of a node", () => {
  const at = (bootId: string, bootedAtMs: number, sequence: number) =>
    heartbeatOf("node_a", { bootId, bootedAtMs, sequence });

  test("the one with the higher sequence is later within a boot, whatever its times; none is later than itself", () => {
    expect(isLater(at("b", 1, 6), at("b", 1, 5))).toBe(true);
    expect(isLater(at("b", 0, 6), at("b", 9, 5))).toBe(true);
    expect(isLater(at("b", 1, 5), at("b", 1, 5))).toBe(false);
    expect(isLater(at("b", 9, 4), at("b", 0, 5))).toBe(false);
  });

  test("the one of the later boot is later, though its sequence begins anew", () => {
    expect(isLater(at("c", 2, 0), at("b", 1, 900))).toBe(true);
    expect(isLater(at("b", 1, 900), at("c", 2, 0))).toBe(false);
  });

  test("a boot in the same millisecond is not shut out by the one before it", () => {
    expect(isLater(at("c", 1, 0), at("b", 1, 900))).toBe(true);
  });
});

describe("a node's record", () => {
  const good = nodeOf("a", { url: "https://a.example" });
  test("has no keys: they are derived, and a member that nobody knows is refused by name", () => {
    expect(NodeRecord.safeParse(good).success).toBe(true);
    const { error } = NodeRecord.safeParse({ ...good, publicKey: "x".repeat(43) });
    expect(error?.issues).toMatchObject([{ code: "unrecognized_keys", keys: ["publicKey"] }]);
  });

  test("may say of what kind it is, in small letters, digits and hyphens", () => {
    expect(NodeRecord.safeParse({ ...good, kind: "h100-sxm" }).success).toBe(true);
    for (const kind of ["", "L4", "l4 ", "x".repeat(33), 4])
      expect(NodeRecord.safeParse({ ...good, kind }).success, String(kind)).toBe(false);
  });
});
