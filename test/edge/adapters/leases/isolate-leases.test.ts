import { expect, test } from "vitest";
import { IsolateLeases } from "#edge/adapters/leases/isolate-leases.ts";
import { memoryLedger } from "#edge/adapters/memory/ledger.ts";
import { OutOfReach } from "#edge/errors.ts";
import type { Grant, Ledger, LeaseRequest } from "#edge/ledger/port.ts";
import { freshOrg, granted, keyRecord, makeRequest, noon, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";

/** Leases of an isolate that never wait for their ends unless `end` is called. */
async function open() {
  const org = freshOrg();
  let nowMs = noon;
  const ledger = memoryLedger({ now: () => nowMs });
  await ledger.publish(orgRecord(org, {}));
  await ledger.publish(keyRecord(org, 1));
  const ends: (() => void)[] = [];
  const failures: unknown[] = [];
  const wished: LeaseRequest[] = [];
  let failing = 0;
  const watched: Ledger = {
    ...ledger,
    lease: (credential, request) => (wished.push(request), ledger.lease(credential, request)),
    closeLease: (of, closing) =>
      failing-- > 0 ? Promise.reject(new OutOfReach("cut")) : ledger.closeLease(of, closing),
  };
  const leases = new IsolateLeases(watched, {
    leaseMs: 1_000,
    now: () => nowMs,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    later: (work) => void work().catch((cause: unknown) => failures.push(cause)),
    wait: () => new Promise((resolve) => ends.push(resolve)),
  });
  const request = () => makeRequest(org);
  const ask = () =>
    leases.ask<Grant>(request(), async (wish) =>
      granted(await ledger.admit({ ...request(), ...(wish && { lease: wish }) })),
    );
  const busy = (calls = 20) => {
    for (let call = 0; call < calls; call++) leases.count(request());
  };
  const end = async () => {
    for (const one of ends.splice(0)) one();
    await new Promise((done) => setImmediate(done));
  };
  return {
    org,
    leases,
    ledger,
    request,
    ask,
    busy,
    end,
    failures,
    wished,
    pass: (ms: number) => (nowMs += ms),
    failClosing: (times: number) => (failing = times),
  };
}

test("a quiet key asks for none; a busy one for one at a time", async () => {
  const { leases, ask, busy } = await open();
  expect((await ask()).lease).toBeUndefined();
  busy();
  const [one, other] = await Promise.all([ask(), ask()]);
  expect([one.lease === undefined, other.lease === undefined]).toEqual([false, true]);
  expect(leases.admit(makeRequest("org_0000000000"))).toBeNull();
});

test("a lease that is nearly spent is renewed behind the call, once", async () => {
  const { leases, ask, busy, request, wished, pass } = await open();
  busy();
  await ask();
  pass(500);
  expect(leases.admit(request())?.leased).toBeDefined();
  expect(wished).toEqual([]);
  pass(250);
  busy();
  expect([leases.admit(request()), leases.admit(request())].every((grant) => grant?.leased)).toBe(true);
  expect(wished).toHaveLength(1);
});

test("at its end it is closed, if need be at the second try, and admits nothing any more", async () => {
  const { leases, ledger, org, ask, busy, request, end, failClosing, failures } = await open();
  busy();
  await ask();
  leases.admit(request());
  failClosing(1);
  await end();
  expect(leases.admit(request())).toBeNull();
  const held = async () => (await ledger.inspect(org))?.windows.find(({ window }) => window === "concurrency")?.held;
  expect(await held()).toBeGreaterThan(2);
  await end();
  expect(await held()).toBe(2);
  expect(failures).toEqual([]);
});

test("what its ledger cannot be told in four tries is left to the ledger", async () => {
  const { ask, busy, end, failClosing, failures } = await open();
  busy();
  await ask();
  failClosing(10);
  for (let round = 0; round < 6; round++) await end();
  expect(failures).toEqual([]);
});

test("a call goes back to its lease as long as that is here", async () => {
  const { leases, ask, busy, request, end } = await open();
  busy();
  await ask();
  const grant = leases.admit(request());
  expect(leases.giveBack(grant!.leased!)).toBe(true);
  await end();
  expect(leases.giveBack(grant!.leased!)).toBe(false);
});
