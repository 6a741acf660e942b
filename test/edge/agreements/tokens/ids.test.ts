import { describe, expect, test } from "vitest";
import {
  base62,
  HoldId,
  KeyId,
  findItemHome,
  isResponseId,
  nameHeldResponse,
  nameHold,
  nameRequest,
  readReference,
  NodeId,
  ProjectId,
  OrgId,
  generateBase62,
  RequestId,
} from "#edge/agreements/tokens/ids.ts";
import { generateRandomBytes } from "#edge/visit.ts";

describe("ids", () => {
  const good: [typeof OrgId, string][] = [
    [OrgId, "org_0123456789"],
    [KeyId, "key_0123456789abcDEF"],
    [HoldId, "hold_0123456789012345678901"],
    [NodeId, "node_l4-a"],
    [ProjectId, `proj_${"a".repeat(22)}`],
    [RequestId, "req_0123456789012345678901"],
  ];
  for (const [schema, id] of good) {
    test(`'${id}' is one, and nothing around it or instead of it is`, () => {
      expect(schema.safeParse(id).success).toBe(true);
      for (const bad of [
        ` ${id}`,
        `${id} `,
        `${id}\n`,
        `${id}/`,
        `${id}é`,
        id.slice(1),
        id.toUpperCase(),
        id.replace("_", "-"),
        `${id}${"x".repeat(60)}`,
        "",
      ]) {
        expect(schema.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
      }
    });
  }
});

describe("random references", () => {
  test("have the requested length and base62 digits only", () => {
    for (const count of [0, 1, 6, 22, 33, 500])
      expect(generateBase62(count, generateRandomBytes)).toMatch(new RegExp(`^[0-9A-Za-z]{${count}}$`));
  });

  test("are unbiased: bytes from 248 are thrown away, each digit stands for four bytes", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const digits = generateBase62(248, () => all);
    for (const digit of base62) expect(digits.split(digit).length - 1).toBe(4);
  });

  test("go on asking when the first bytes were all thrown away", () => {
    const answers = [new Uint8Array(9).fill(255), new Uint8Array(9).fill(61)];
    expect(generateBase62(1, () => answers.shift() ?? new Uint8Array(9))).toBe("z");
  });
});

test("a hold bears its request's name, so that either is found by the other", () => {
  for (let i = 0; i < 100; i++) {
    const request = `req_${generateBase62(22, generateRandomBytes)}`;
    const hold = nameHold(request);
    expect(HoldId.safeParse(hold).success).toBe(true);
    expect(nameRequest(hold)).toBe(request);
    expect([`hold_${readReference(hold)}`, `req_${readReference(hold)}`]).toEqual([hold, request]);
  }
});

test("a response has the characters of its call's hold, and its items lead back to it", () => {
  const reference = "0123456789abcdefghijKL";
  const id = nameHeldResponse(`hold_${reference}`);
  expect([id, isResponseId(id)]).toEqual([`resp_${reference}`, true]);
  for (const item of [`msg_${reference}_0`, `rs_${reference}_12`, `ctco_${reference}_in3`])
    expect(findItemHome(item)).toBe(id);
  for (const other of [
    id,
    `msg_${reference}`,
    `msg_${reference}x_0`,
    `MSG_${reference}_0`,
    `msg_${reference}_`,
    "",
    "msg_1",
  ])
    expect(findItemHome(other)).toBeNull();
  for (const other of ["resp_1", `resp_${reference}/`, `hold_${reference}`, 7, null])
    expect(isResponseId(other)).toBe(false);
});
