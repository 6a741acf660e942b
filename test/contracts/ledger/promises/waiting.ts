import { describe, expect, test } from "vitest";
import type { Denial, Grant, HoldRequest } from "#edge/ledger/port.ts";
import { waitingMax } from "#edge/limits.ts";
import {
  fill,
  findWindow,
  freshHold,
  granted,
  keyId,
  keyRecord,
  makeRecord,
  makeRequest,
  openWith,
  orgRecord,
  type OpenedOrg,
  type OpenLedger,
} from "../ledger-fixtures.ts";
import { makeClosing, makeWish, openLease } from "./lease-fixtures.ts";

type Answer = Grant | Denial;

/** Longer than any test runs: nobody is refused for their time. */
const patient = { waitMs: 30_000 };
/** So short that it is over at once. */
const hasty = { waitMs: 1 };

/** Lets asks reach the ledger in this order. */
const settleDown = (ms = 60) => new Promise<void>((done) => void setTimeout(done, ms));

/** An ask that waits: its answer, and what it is by now. */
interface Waiter {
  hold: string;
  answer: Promise<Answer>;
  now(): Answer | null;
}

async function startWaiting({ ledger, org }: OpenedOrg, fields: Partial<HoldRequest> = {}): Promise<Waiter> {
  const request = makeRequest(org, { ...patient, ...fields });
  let known: Answer | null = null;
  const answer = ledger.admit(request).then((each) => (known = each));
  await settleDown();
  return { hold: request.hold, answer, now: () => known };
}

const end = ({ ledger, org }: OpenedOrg, hold: string) => ledger.settle(org, [makeRecord(org, hold)]);

/** What `Ledger` promises of asks that wait for a slot, for any adapter. */
export function ledgerWaiting(name: string, open: OpenLedger): void {
  ledgerTurns(name, open);
  ledgerWaitEnds(name, open);
  ledgerUrgency(name, open);
}

function ledgerTurns(name: string, open: OpenLedger): void {
  describe(`${name}: waiting for a slot`, () => {
    test("whoever only lacks a slot gets the next one, and holds nothing until then", async () => {
      const opened = await openWith(open, { concurrency: 1, requestsPerMinute: 10 });
      const [first = ""] = await fill(opened, 1);
      const waiter = await startWaiting(opened);
      expect(await findWindow(opened, "concurrency")).toEqual([0, 1, 0]);
      expect(await findWindow(opened, "requestsPerMinute")).toEqual([9, 0, 1]);
      await end(opened, first);
      expect(granted(await waiter.answer).hold).toBe(waiter.hold);
      expect(await findWindow(opened, "concurrency")).toEqual([0, 1, 0]);
    });

    test("without a wait, or when it is over, the denial is the ordinary one, and nothing is left of it", async () => {
      const opened = await openWith(open, { concurrency: 1 });
      const { ledger, org } = opened;
      const [first = ""] = await fill(opened, 1);
      const denial = await ledger.admit(makeRequest(org));
      expect(denial).toMatchObject({ reason: "concurrency", of: "org", limit: 1, retryAfterMs: 1_000 });
      expect(await ledger.admit(makeRequest(org, { waitMs: 0, waitMsMax: 5_000 }))).toEqual(denial);
      expect(await ledger.admit(makeRequest(org, { waitMs: 40 }))).toEqual(denial);
      expect(await ledger.admit(makeRequest(org, { waitMs: 30_000, waitMsMax: 40 }))).toEqual(denial);
      await end(opened, first);
      granted(await ledger.admit(makeRequest(org)));
    });

    test("for nothing else: no minute's window, no quota, no limit of none, not both a slot and tokens", async () => {
      for (const limits of [{ requestsPerMinute: 1 }, { tokensPerDay: 40 }, { concurrency: 1, tokensPerDay: 40 }]) {
        const opened = await openWith(open, limits);
        await fill(opened, 1);
        expect(await opened.ledger.admit(makeRequest(opened.org, patient))).toMatchObject({ kind: "denial" });
      }
      const none = await openWith(open, { concurrency: 0 });
      expect(await none.ledger.admit(makeRequest(none.org, patient))).toMatchObject({ reason: "concurrency" });
    });

    test("keys take turns, and each key's asks go in order", async () => {
      const opened = await openWith(open, { concurrency: 1 });
      await opened.ledger.publish(keyRecord(opened.org, 2));
      const [first = ""] = await fill(opened, 1);
      const waiters: Waiter[] = [];
      for (const n of [1, 1, 1, 2, 2]) waiters.push(await startWaiting(opened, { key: keyId(opened.org, n) }));
      let running = first;
      for (const next of [0, 3, 1, 4, 2]) {
        await end(opened, running);
        running = granted(await (waiters[next]?.answer ?? Promise.reject(new Error("nobody")))).hold;
        expect(running).toBe(waiters[next]?.hold);
        expect(waiters.filter((each) => each.now() !== null)).toHaveLength([0, 3, 1, 4, 2].indexOf(next) + 1);
      }
    });

    test("nobody who comes later overtakes; whom another limit holds up holds up nobody else", async () => {
      const opened = await openWith(open, { concurrency: 2 });
      const { ledger, org } = opened;
      await ledger.publish(keyRecord(org, 2, { limits: { concurrency: 1 } }));
      const two = { key: keyId(org, 2) };
      const [second = ""] = await fill(opened, 1, two);
      const waiter = await startWaiting(opened, two);
      // A slot of the org is free, and it is not that one that the waiter lacks.
      const [other = ""] = await fill(opened, 1);
      const later = await startWaiting(opened, two);
      const stranger = await startWaiting(opened);
      expect([waiter.now(), later.now(), stranger.now()]).toEqual([null, null, null]);
      await end(opened, other);
      granted(await stranger.answer);
      expect([waiter.now(), later.now()]).toEqual([null, null]);
      await end(opened, second);
      granted(await waiter.answer);
      expect(later.now()).toBeNull();
      await ledger.cancelWait(org, later.hold);
      expect(await later.answer).toMatchObject({ reason: "concurrency" });
    });

    test("so many wait and no more: the next is denied at once", async () => {
      const opened = await openWith(open, { concurrency: 1 });
      const { ledger, org } = opened;
      const [first = ""] = await fill(opened, 1);
      const holds = Array.from({ length: waitingMax }, freshHold);
      const answers = holds.map((hold) => ledger.admit(makeRequest(org, { ...patient, hold })));
      await settleDown(500);
      expect(await ledger.admit(makeRequest(org, patient))).toMatchObject({ reason: "concurrency" });
      await ledger.publish(orgRecord(org, {}, 2));
      expect((await Promise.all(answers)).map(({ kind }) => kind)).toEqual(holds.map(() => "grant"));
      await end(opened, first);
    });
  });
}

function ledgerWaitEnds(name: string, open: OpenLedger): void {
  describe(`${name}: what ends a wait`, () => {
    test.each<[string, (opened: OpenedOrg, hold: string) => Promise<unknown>]>([
      ["a release", ({ ledger, org }, hold) => ledger.release(org, hold)],
      [
        "a settlement among others",
        ({ ledger, org }, hold) => ledger.settleAll([{ org, records: [makeRecord(org, hold)] }]),
      ],
      ["a limit that is raised", ({ ledger, org }) => ledger.publish(orgRecord(org, { concurrency: 2 }, 2))],
    ])("%s lets the next one in", async (_, makeRoom) => {
      const opened = await openWith(open, { concurrency: 1 });
      const [first = ""] = await fill(opened, 1);
      const waiter = await startWaiting(opened);
      await makeRoom(opened, first);
      expect(granted(await waiter.answer).hold).toBe(waiter.hold);
    });

    test("a hold that expires lets the next one in when anything happens", async () => {
      const opened = await openWith(open, { concurrency: 1 });
      await fill(opened, 1, { ttlMs: 1_000 });
      const waiter = await startWaiting(opened);
      opened.clock.advance(1_000);
      expect(await opened.ledger.release(opened.org, freshHold())).toMatchObject({ result: "unknown" });
      granted(await waiter.answer);
    });

    test("a key that is revoked has its denial", async () => {
      const opened = await openWith(open, { concurrency: 1 });
      await fill(opened, 1);
      const waiter = await startWaiting(opened);
      await opened.ledger.publish(keyRecord(opened.org, 1, { isRevoked: true, version: 2 }));
      expect(await waiter.answer).toEqual({ kind: "denial", reason: "key" });
    });

    test("who is cancelled is denied and never granted; a cancellation of nobody changes nothing", async () => {
      const opened = await openWith(open, { concurrency: 1 });
      const { ledger, org } = opened;
      const [first = ""] = await fill(opened, 1);
      const [gone, next] = [await startWaiting(opened), await startWaiting(opened)];
      await ledger.cancelWait(org, freshHold());
      await ledger.cancelWait(org, first);
      await ledger.cancelWait(org, gone.hold);
      expect(await gone.answer).toMatchObject({ reason: "concurrency" });
      await end(opened, first);
      expect(granted(await next.answer).hold).toBe(next.hold);
      expect((await ledger.inspect(org))?.openHolds.map(({ hold }) => hold)).toEqual([next.hold]);
    });

    test("a lease that is closed lets in who lacked only what it had, however short their own wait", async () => {
      const opened = await openWith(open, { tokensPerDay: 16 * 600 });
      const { ledger, org } = opened;
      const lease = await openLease(opened);
      expect(lease.tokens).toBe(600);
      await fill(opened, 1, { promptTokens: 16 * 600 - 600 - 50, completionTokens: 20 });
      expect(await ledger.admit(makeRequest(org, { ...hasty, completionTokens: 25 }))).toMatchObject({
        kind: "denial",
      });
      const waiter = await startWaiting(opened, { ...hasty, waitMsMax: 5_000, completionTokens: 25 });
      expect(waiter.now()).toBeNull();
      await ledger.closeLease(org, makeClosing(lease, 0));
      granted(await waiter.answer);
      const never = await ledger.admit(makeRequest(org, { ...hasty, waitMsMax: 5_000, promptTokens: 600 }));
      expect(never).toMatchObject({ reason: "quota" });
    });

    test("a wait asks for no lease, and one that is malformed for nothing", async () => {
      const opened = await openWith(open, { concurrency: 1 });
      const { ledger, org } = opened;
      const [first = ""] = await fill(opened, 1);
      const waiter = await startWaiting(opened, { lease: makeWish() });
      await ledger.publish(orgRecord(org, {}, 2));
      expect(granted(await waiter.answer).lease).toBeUndefined();
      for (const fields of [{ waitMs: -1 }, { waitMs: 0.5 }, { waitMs: 30_001 }, { waitMs: Number.NaN }])
        await expect(ledger.admit(makeRequest(org, fields))).rejects.toThrow("waitMs");
      await expect(ledger.admit(makeRequest(org, { waitMsMax: 30_001 }))).rejects.toThrow("waitMsMax");
      await end(opened, first);
    });
  });
}

function ledgerUrgency(name: string, open: OpenLedger): void {
  describe(`${name}: ends that somebody may wait for`, () => {
    test("are those of the last slot, of the org or of the key, and of an idempotency key", async () => {
      const opened = await openWith(open, { concurrency: 3 });
      const { ledger, org } = opened;
      await ledger.publish(keyRecord(org, 2, { limits: { concurrency: 1 } }));
      const isUrgent = async (fields: Partial<HoldRequest>) =>
        granted(await ledger.admit(makeRequest(org, fields))).isUrgent;
      expect(await isUrgent({})).toBeUndefined();
      expect(await isUrgent({ key: keyId(org, 2) })).toBe(true);
      expect(await isUrgent({})).toBe(true);
      const unbound = await openWith(open, {});
      const idempotency = { key: "a".repeat(64), body: "b".repeat(64) };
      const admit = (fields: Partial<HoldRequest>) => unbound.ledger.admit(makeRequest(unbound.org, fields));
      expect(granted(await admit({ idempotency })).isUrgent).toBe(true);
      expect(granted(await admit({})).isUrgent).toBeUndefined();
    });

    test("a repeat waits for the end of the call that its idempotency key began, and is shown it", async () => {
      const opened = await openWith(open, {});
      const idempotency = { key: "a".repeat(64), body: "b".repeat(64) };
      const [first = ""] = await fill(opened, 1, { idempotency });
      const again = await opened.ledger.admit(makeRequest(opened.org, { ...hasty, idempotency }));
      expect(again).toEqual({ kind: "denial", reason: "idempotency_in_progress", retryAfterMs: 1_000 });
      const repeat = await startWaiting(opened, { idempotency });
      // A repeat that waits holds up nobody.
      const [other = ""] = await fill(opened, 1);
      expect(repeat.now()).toBeNull();
      await end(opened, first);
      expect(await repeat.answer).toMatchObject({ reason: "idempotency_replayed", first: { hold: first } });
      await end(opened, other);
    });
  });
}
