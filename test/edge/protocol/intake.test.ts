import { expect, test } from "vitest";
import { bodiesInReadingMax, bytesInReadingMax, orgBytesInReadingMax } from "#edge/limits.ts";
import { isolateIntake, openIntake } from "#edge/protocol/intake.ts";

const sender = { org: "org_0000000001", key: "key_000001" };

test("an org's bytes are counted over all its keys, and given back once", () => {
  const intake = openIntake();
  const [one, two] = [intake.enter(sender), intake.enter({ ...sender, key: "key_000002" })];
  expect(one.grow(orgBytesInReadingMax)).toBeNull();
  expect(two.grow(1)?.code).toBe("server_is_overloaded");
  expect(two.grow(0)).toBeNull();
  one.leave();
  one.leave();
  expect(intake.bytes).toBe(0);
  expect(two.grow(orgBytesInReadingMax)).toBeNull();
  two.leave();
  expect(two.grow(1)?.code).toBe("server_is_overloaded");
  expect(intake.bytes).toBe(0);
});

test("all orgs together have as much as an isolate can bear; what was refused is not counted", () => {
  const intake = openIntake();
  for (let org = 0; org < bytesInReadingMax / orgBytesInReadingMax; org++)
    expect(intake.enter({ org: `org_${org}`, key: "k" }).grow(orgBytesInReadingMax)).toBeNull();
  const refusal = intake.enter(sender).grow(1);
  expect([refusal?.status, refusal?.details.retryAfterMs]).toEqual([503, 1_000]);
  expect(intake.bytes).toBe(bytesInReadingMax);
});

test("a key has so many slow bodies, and one more when one has left", () => {
  const intake = openIntake();
  const shares = Array.from({ length: bodiesInReadingMax }, () => intake.enter(sender));
  for (const share of shares) expect(share.stay()).toBeNull();
  const late = intake.enter(sender);
  expect(late.stay()?.code).toBe("concurrency_exceeded");
  expect(intake.enter({ ...sender, key: "key_000002" }).stay()).toBeNull();
  shares[0]?.leave();
  expect(late.stay()).toBeNull();
});

test("the isolate's own begins empty", () => expect(isolateIntake.bytes).toBe(0));
